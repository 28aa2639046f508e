internal import Seams
internal import ServiceKit

/// The cache seam with a planted bug in it.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
final class SabotagedCacheConnector: CacheConnector, @unchecked Sendable {
  private let base: any CacheConnector
  private let clock: any MonotonicClock
  let sabotage: Set<PlantedBug.CacheSabotage>
  private let count: SabotageCount

  /// `base`, with `sabotage` between it and its users.
  init(
    _ base: any CacheConnector, sabotage: Set<PlantedBug.CacheSabotage>, clock: any MonotonicClock, count: SabotageCount
  ) {
    self.base = base
    self.sabotage = sabotage
    self.clock = clock
    self.count = count
  }

  func connect(deadline: MonotonicInstant) async throws -> any CacheConnection {
    SabotagedCacheConnection(try await base.connect(deadline: patient(deadline)), self)
  }

  /// The deadline that a call really gets.
  func patient(_ deadline: MonotonicInstant) -> MonotonicInstant {
    guard sabotage.contains(.waitsForAnswers) else { return deadline }
    count.add()
    return max(deadline, clock.now.advanced(by: .seconds(10)))
  }

  /// What goes to Redis in the place of `command`; `nil`: nothing, it is answered as if it had been done.
  func sabotaged(_ command: CacheCommand, deadline: MonotonicInstant) -> CacheCommand? {
    let changed: CacheCommand?
    if isFill(command), sabotage.contains(.fillsWithoutLease) {
      changed = .set(command[3], command[5], expiry: .after(.milliseconds(Int(text(command[6])) ?? 1)))
    } else if isFill(command), sabotage.contains(.fillsForEver) {
      changed = replacing(command, [6: Array("1000000000".utf8)])
    } else if isFill(command), sabotage.contains(.leasesAreAlike) {
      changed = replacing(command, [4: Self.commonClaim])
    } else if command.name == "SET", sabotage.contains(.leasesAreAlike) {
      changed = replacing(command, [2: Self.commonClaim])
    } else if command.name == "DEL", sabotage.contains(.swallowsInvalidations) {
      changed = nil
    } else if command.name == "DEL", sabotage.contains(.forgetsOwedInvalidations),
      clock.now.duration(to: deadline) > .seconds(1)
    {
      // Requests are impatient: who has seconds sends what is owed.
      changed = nil
    } else {
      return command
    }
    count.add()
    return changed
  }

  private static let commonClaim = [LeasedCache.claimMark, 1]

  /// Whether `command` puts a value in a lease's place: `EVALSHA digest 1 key claim value milliseconds`.
  private func isFill(_ command: CacheCommand) -> Bool {
    guard command.name.hasPrefix("EVAL"), command.count == 7 else { return false }
    let script = CacheScripts.replaceIfEqual
    return [script.digest, script.source].contains(text(command[1]))
  }

  private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private func replacing(_ command: CacheCommand, _ arguments: [Int: [UInt8]]) -> CacheCommand {
    CacheCommand(raw: (0..<command.count).map { arguments[$0] ?? Array(command[$0]) })
  }
}

/// A connection whose commands are changed on their way.
///
/// `@unchecked Sendable`: only the kernel's thread touches it.
private final class SabotagedCacheConnection: CacheConnection, @unchecked Sendable {
  private let base: any CacheConnection
  private let connector: SabotagedCacheConnector

  init(_ base: any CacheConnection, _ connector: SabotagedCacheConnector) {
    self.base = base
    self.connector = connector
  }

  var isClosed: Bool { base.isClosed }

  func send(_ commands: [CacheCommand], deadline: MonotonicInstant) async throws -> [CacheReply] {
    let sent = commands.map { connector.sabotaged($0, deadline: deadline) }
    let limit = connector.patient(deadline)
    var replies = try await base.send(sent.compactMap { $0 }, deadline: limit).makeIterator()
    return zip(commands, sent).map { original, command in
      guard let command, let reply = replies.next() else { return .integer(1) }
      // A SET in a script's place: the script would have said that it did.
      return command.name != original.name && reply == .status("OK") ? .integer(1) : reply
    }
  }

  func close() { base.close() }
}
