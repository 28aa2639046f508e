import Seams

/// Draws statements from a seed, one at a time, for the state that the schedule has reached.
struct ScheduleGenerator {
  private var random: SplitMix
  let sessions: Int
  let length: Int

  init(seed: UInt64) {
    // Mixed once: SplitMix adds a constant to its state, and seeds that lie that far apart would share one stream.
    var mixer = SplitMix(state: seed)
    random = SplitMix(state: mixer.next())
    sessions = 2 + Int(random.next() % 3)
    length = 10 + Int(random.next() % 21)
  }

  /// The next step, given how the sessions that can speak stand.
  mutating func next(_ ready: [(session: Int, status: SQLConnectionStatus)]) -> Step {
    let chosen = ready[below(ready.count)]
    return Step(session: chosen.session, sql: statement(chosen.status))
  }

  private mutating func statement(_ status: SQLConnectionStatus) -> String {
    switch status {
    case .idle:
      if below(100) < 85 { return one("BEGIN", "BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ") }
      return work(inTransaction: false)
    case .inTransaction:
      switch below(100) {
      case ..<8: return "COMMIT"
      case ..<11: return "ROLLBACK"
      case ..<14: return "SAVEPOINT a"
      case ..<15: return "ROLLBACK TO SAVEPOINT a"
      default: return work(inTransaction: true)
      }
    case .inFailedTransaction:
      return one("ROLLBACK", "ROLLBACK", "COMMIT", "ROLLBACK TO SAVEPOINT a", "SELECT count(*) AS n FROM products")
    case .closed:
      preconditionFailure("no statement of the generator closes a connection")
    }
  }

  private mutating func work(inTransaction: Bool) -> String {
    let id = key()
    let units = 1 + below(3)
    // Half of the work takes turns on few rows: that is where sessions wait for each other and close cycles.
    if inTransaction, below(2) == 0 { return contention(id, units) }
    switch below(24) {
    case 0, 1: return "SELECT id, sku, quantity, reserved FROM products"
    case 2: return "SELECT l.id, p.quantity FROM lines AS l JOIN products AS p ON p.id = l.product_id"
    case 3, 4: return "SELECT id, quantity, reserved FROM products WHERE id = \(id) \(locking())"
    case 5: return "SELECT id, reserved FROM products WHERE id IN (\(id), \(key())) ORDER BY id \(locking())"
    case 6: return "SELECT id, reserved FROM products WHERE reserved < quantity ORDER BY id \(locking())"
    case 7, 8:
      return """
        UPDATE products SET reserved = reserved + \(units) WHERE id = \(id) AND quantity - reserved >= \(units) \
        RETURNING id, reserved
        """
    case 9: return "UPDATE products SET quantity = quantity - \(units) WHERE id = \(id)"
    case 10: return "UPDATE products SET quantity = quantity + \(units), reserved = reserved WHERE id = \(id)"
    case 11: return "UPDATE products SET sku = \(10 * key()) WHERE id = \(id)"
    case 12: return "UPDATE products SET id = \(key()) WHERE id = \(id)"
    case 13: return "DELETE FROM products WHERE id = \(id)"
    case 14, 15: return insertProduct(id)
    case 16, 17: return insertLine()
    case 18: return "UPDATE lines SET product_id = \(id) WHERE id = \(key())"
    case 19: return "UPDATE lines SET units = units - \(units) WHERE id = \(key())"
    case 20: return "DELETE FROM lines WHERE id = \(key()) RETURNING product_id"
    case 21: return "UPDATE products SET quantity = 9 WHERE quantity = 5 AND id = \(id)"
    case 22: return "SELECT count(*) AS n, sum(reserved) AS total FROM products"
    default:
      return inTransaction
        ? one("SELECT pg_advisory_xact_lock(\(id))", "SELECT pg_try_advisory_xact_lock(\(id)) AS taken")
        : "SELECT id FROM lines WHERE product_id = \(id)"
    }
  }

  private mutating func contention(_ id: Int, _ units: Int) -> String {
    switch below(6) {
    case 0: return "UPDATE products SET quantity = quantity + \(units) WHERE id = \(id)"
    case 1: return "UPDATE products SET reserved = 0 WHERE id = \(id) RETURNING quantity"
    case 2: return "SELECT id, quantity, reserved FROM products WHERE id = \(id) \(locking())"
    case 3: return "UPDATE lines SET units = units + \(units) WHERE id = \(id)"
    case 4: return "SELECT pg_advisory_xact_lock(\(id))"
    default:
      return """
        UPDATE products SET reserved = reserved + \(units) WHERE id = \(id) AND quantity - reserved >= \(units) \
        RETURNING id, reserved
        """
    }
  }

  private mutating func insertProduct(_ id: Int) -> String {
    let head = "INSERT INTO products (id, sku, quantity, reserved) VALUES (\(id), \(10 * key()), \(below(4)), 0)"
    return head
      + one(
        "", " RETURNING id", " ON CONFLICT (id) DO NOTHING", " ON CONFLICT DO NOTHING",
        " ON CONFLICT (id) DO UPDATE SET quantity = products.quantity + 1 RETURNING id, quantity")
  }

  private mutating func insertLine() -> String {
    let head = "INSERT INTO lines (id, product_id, units) VALUES (\(key()), \(key()), \(below(3)))"
    return head + one("", "", " ON CONFLICT (id) DO NOTHING")
  }

  private mutating func locking() -> String {
    let strength = one("FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE", "FOR KEY SHARE")
    return strength + one("", "", "", "", "", "", " NOWAIT", " SKIP LOCKED")
  }

  /// One of four keys, the lower the likelier.
  private mutating func key() -> Int { 1 + min(below(4), below(5)) }

  private mutating func one(_ texts: String...) -> String { texts[below(texts.count)] }

  private mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
private struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}
