/// A self-contained HTML page: no script, no font, no picture from anywhere else; light and dark as the reader's system
/// says.
public struct Page: Sendable {
  /// A figure at the top of the page.
  public struct Headline: Sendable {
    public var label: String
    public var value: String
    public var note: String

    /// `value` under `label`, with a smaller `note`.
    public init(_ label: String, _ value: String, note: String = "") {
      self.label = label
      self.value = value
      self.note = note
    }
  }

  /// How the page's subject came out.
  public enum Standing: String, Sendable {
    case good
    case bad
    case incomplete
  }

  public var title: String
  /// What the title's badge says.
  public var badge: String
  public var standing: Standing
  /// When and on what it was made.
  public var subtitle: String
  public var headlines: [Headline]
  public var body: Markup

  /// A page.
  public init(
    title: String, badge: String, standing: Standing, subtitle: String, headlines: [Headline], body: Markup
  ) {
    self.title = title
    self.badge = badge
    self.standing = standing
    self.subtitle = subtitle
    self.headlines = headlines
    self.body = body
  }

  /// The page's HTML.
  public var html: String {
    let figures = Markup(
      headlines.map { headline in
        """
        <div class="figure"><span class="label">\(headline.label)</span>\
        <span class="value">\(headline.value)</span><span class="note">\(headline.note)</span></div>
        """
      })
    let page: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(title) · Zoco</title>
      <style>\(Stylesheet.markup)</style>
      </head>
      <body>
      <header>
      <p class="brand">Zoco</p>
      <h1>\(title) <span class="badge \(standing.rawValue)">\(badge)</span></h1>
      <p class="subtitle">\(subtitle)</p>
      <div class="figures">\(figures)</div>
      </header>
      <main>
      \(body)
      </main>
      </body>
      </html>

      """
    return page.text
  }
}
