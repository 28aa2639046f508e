public import SimulatedNetwork
public import SimulationKernel

/// What one run plays in: the kernel, the network, and what the scenario tells about itself.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
public final class World: @unchecked Sendable {
  public let settings: RunSettings
  public let kernel: SimulationKernel
  public let network: Network
  /// HTTP requests that clients sent.
  package var requestCount = 0
  /// What the seed drew, for the report.
  package private(set) var drawn: [String] = []
  package var figures: [RunReport.Figure] = []
  package var faults: [RunReport.FaultCount] = []

  /// A world with nothing in it yet.
  public init(settings: RunSettings, recording: RunRecording = .hashOnly) {
    self.settings = settings
    var options = KernelOptions()
    options.retention = recording.retention
    options.checkpointInterval = recording.checkpointInterval
    kernel = SimulationKernel(seed: settings.seed, options: options)
    network = Network(kernel: kernel)
  }

  /// Notes something the seed drew.
  package func note(drawn text: String) {
    drawn.append(text)
    kernel.record(.note, host: nil, "drawn: \(text)")
  }

  /// Ends the run: the invariant `name` broke, as `evidence` shows.
  package func violate(_ name: String, _ evidence: [String]) {
    kernel.record(.note, host: nil, "invariant \(name) broke: \(evidence.first ?? "")")
    kernel.end(.invariantBroken(name: name, evidence: evidence))
  }
}
