internal import HTTPTypes
package import Hummingbird

extension HTTPField.Name {
  /// What a browser says of the page that sends a request (Fetch Metadata): `same-origin`, `cross-site`.
  package static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
}

/// Keeps a browser from being made to send what its user does not want.
package enum CrossSiteGuard {
  /// Refuses a request that a browser sends for a page of another origin.
  ///
  /// A caller that is no browser sends no such header, and one with a browser cannot forge it.
  ///
  /// - Throws: `forbidden`.
  package static func check(_ request: Request) throws(Problem) {
    guard let site = request.headers[.fetchSite], site != "same-origin", site != "none" else { return }
    throw .forgedRequest("A page of another site may not send this request. Open the operations page and start there.")
  }
}
