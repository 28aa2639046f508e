import NIOCore
import ServiceKit
import Testing

@Suite struct FormReaderTests {
  @Test(arguments: [
    ("a=1&b=2", "1"), ("a=", ""), ("a", ""), ("a=1+2", "1 2"), ("a=%C3%A9", "é"), ("a=%2B%26%3D", "+&="),
    ("%61=x", "x"),
    ("a=%", "%"), ("a=%4", "%4"), ("a=%zz", "%zz"), ("a=b=c", "b=c"), ("&&a=1&", "1"), ("a=%FF", "\u{FFFD}"),
    ("a=%0D%0A", "\r\n"),
  ])
  func fieldsAreDecoded(_ body: String, _ value: String) {
    #expect(FormReader(ByteBuffer(string: body)).value("a") == value)
  }

  @Test(arguments: ["", "b=1", "a=1&a=2", "A=1", " a=1"])
  func whatIsNotThereOnceIsNothing(_ body: String) {
    #expect(FormReader(ByteBuffer(string: body)).value("a") == nil)
  }
}
