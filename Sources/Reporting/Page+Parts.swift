extension Markup {
  /// A column of a ``table(_:rows:)``.
  public struct Column: Sendable {
    var title: String
    var isNumber: Bool

    /// A column of text.
    public static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }

    /// A column of numbers, set to the right.
    public static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  /// A table that scrolls sideways where the page is too narrow.
  public static func table(_ columns: [Column], rows: [[Markup]]) -> Markup {
    let head = Markup(
      columns.map { column -> Markup in
        column.isNumber ? "<th class=\"number\">\(column.title)</th>" : "<th>\(column.title)</th>"
      })
    let body = Markup(
      rows.map { row -> Markup in
        let cells = zip(columns, row).map { column, cell -> Markup in
          column.isNumber ? "<td class=\"number\">\(cell)</td>" : "<td>\(cell)</td>"
        }
        return "<tr>\(Markup(cells))</tr>\n"
      })
    return "<div class=\"scroll\"><table><thead><tr>\(head)</tr></thead><tbody>\n\(body)</tbody></table></div>\n"
  }

  /// Horizontal bars, the longest as wide as its place.
  public static func bars(_ values: [(name: String, value: Int)]) -> Markup {
    let greatest = max(1, values.map(\.value).max() ?? 1)
    let rows = values.map { name, value -> Markup in
      let width = String(Double(value * 1_000 / greatest) / 10)
      return """
        <span class="name">\(name)</span><span class="track"><svg viewBox="0 0 100 1" preserveAspectRatio="none" \
        role="img" aria-label="\(name): \(Quantity.count(value))"><rect width="\(width)" height="1"/></svg></span>\
        <span class="amount">\(Quantity.count(value))</span>
        """
    }
    return "<div class=\"card\"><div class=\"bars\">\(Markup(rows))</div></div>\n"
  }

  /// A badge in running text.
  public static func badge(_ text: String, _ standing: Page.Standing) -> Markup {
    "<span class=\"badge small \(standing.rawValue)\">\(text)</span>"
  }
}
