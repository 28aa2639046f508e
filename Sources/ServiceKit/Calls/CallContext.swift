package import FoundationEssentials
package import Seams

/// What a call to another service takes with it from whoever asked for it.
package struct CallContext: Sendable, Hashable {
  /// When the caller gives up, on its own clock: attempts and the pauses between them end by then.
  package var deadline: MonotonicInstant
  /// The id that ties together everything done for one request of a client, across services.
  package var correlationId: UUID

  /// A context for calls that end by `deadline`.
  package init(deadline: MonotonicInstant, correlationId: UUID) {
    self.deadline = deadline
    self.correlationId = correlationId
  }
}
