import Seams

/// The statements on the first answers to keyed requests.
enum IdempotencySQL {
  /// Claims a key. Waits for a rival that has not committed yet.
  static func claim(operation: String, key: String, requestHash: [UInt8]) -> SQLStatement {
    """
    INSERT INTO idempotency_keys (operation, key, request_hash, status, response)
    VALUES (\(operation), \(key), \(SQLValue.bytes(requestHash)), 0, '')
    ON CONFLICT (operation, key) DO NOTHING
    """
  }

  static func answer(operation: String, key: String) -> SQLStatement {
    "SELECT request_hash, status, response FROM idempotency_keys WHERE operation = \(operation) AND key = \(key)"
  }

  static func store(operation: String, key: String, status: Int, response: String) -> SQLStatement {
    """
    UPDATE idempotency_keys SET status = \(status), response = \(response)
    WHERE operation = \(operation) AND key = \(key)
    """
  }
}
