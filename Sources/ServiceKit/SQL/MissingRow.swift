/// A row that no statement of the service ever deletes was not there: somebody else deleted it.
///
/// The request fails with 500, and the service goes on.
package struct MissingRow: Error, CustomStringConvertible {
  /// What was deleted.
  package let description: String

  /// - Parameter what: what the row is, as in "product 7f1f…".
  package init(_ what: String) { description = "\(what) was deleted from the database while it was in use" }
}
