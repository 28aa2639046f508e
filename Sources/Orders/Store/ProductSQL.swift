import FoundationEssentials
import Seams

/// The statements on the catalogue.
enum ProductSQL {
  static func product(_ id: UUID) -> SQLStatement {
    "SELECT id, name, price, currency FROM products WHERE id = \(id)"
  }

  static func prices(_ ids: [UUID]) -> SQLStatement {
    "SELECT id, price, currency FROM products WHERE id = ANY(\(ids)::uuid[])"
  }

  /// The products from the first one behind `id` on.
  static func products(behind id: UUID?, limit: Int) -> SQLStatement {
    guard let id else { return "SELECT id, name, price, currency FROM products ORDER BY id LIMIT \(limit)" }
    return "SELECT id, name, price, currency FROM products WHERE id > \(id) ORDER BY id LIMIT \(limit)"
  }

  static func insert(_ products: [Product]) -> SQLStatement {
    """
    INSERT INTO products (id, name, price, currency)
    SELECT p.id, p.name, p.price, p.currency
    FROM unnest(\(products.map(\.id))::uuid[], \(products.map(\.name))::text[], \
    \(products.map(\.price.amount))::int8[], \(products.map(\.price.currency))::text[])
    AS p(id, name, price, currency)
    ON CONFLICT (id) DO NOTHING RETURNING id
    """
  }
}
