package import Seams

/// Another service, and how it is called.
package struct ServicePeer: Sendable {
  /// How often and how long calls are tried.
  package struct Options: Sendable {
    /// How long one attempt may take.
    package var attemptTimeout: Duration
    /// How often a call is tried, and the pauses in between: after 1 s, 2 s and 4 s, each 20 % more or less.
    package var retries: RetryPolicy
    /// The breaker of each endpoint.
    package var breaker: CircuitBreaker.Options
    /// The most bytes that an answer may have.
    package var answerLimit: Int

    /// Options; see each member.
    package init(
      attemptTimeout: Duration = .seconds(5),
      retries: RetryPolicy = RetryPolicy(
        attempts: 4, baseBackOff: .seconds(1), maximumBackOff: .seconds(4), jitter: 0.2),
      breaker: CircuitBreaker.Options = CircuitBreaker.Options(), answerLimit: Int = 1024 * 1024
    ) {
      precondition(attemptTimeout > .zero && answerLimit > 0, "a call needs time and room")
      self.attemptTimeout = attemptTimeout
      self.retries = retries
      self.breaker = breaker
      self.answerLimit = answerLimit
    }
  }

  /// The service's name, in tokens, logs and errors: `inventory`.
  let name: String
  /// Where it is.
  let address: ServiceAddress
  /// How often and how long calls are tried.
  let options: Options
  let transport: any HTTPTransport
  let environment: ServiceEnvironment
  let tokens: any ServiceTokenProvider

  /// The service `name` at `address`.
  package init(
    name: String, address: ServiceAddress, transport: any HTTPTransport, environment: ServiceEnvironment,
    tokens: any ServiceTokenProvider, options: Options = Options()
  ) {
    self.name = name
    self.address = address
    self.transport = transport
    self.environment = environment
    self.tokens = tokens
    self.options = options
  }

  /// One of its endpoints, which has a circuit breaker of its own.
  ///
  /// - Parameter name: how the calls are named: `reserve`.
  package func endpoint(_ name: String) -> ServiceEndpoint { ServiceEndpoint(name: name, peer: self) }
}
