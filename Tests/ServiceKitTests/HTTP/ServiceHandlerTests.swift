import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Seams
import SimulationKernel
import Testing

@testable import ServiceKit

@Suite struct ServiceHandlerTests {
  @Test func aKnownRouteIsAnswered() async throws {
    let response = try await Exchange.run(.get, "/things/\(Exchange.id)")
    #expect(response.status == 200)
    #expect(response.fields[.contentType] == "application/json")
    #expect(response.fields[.contentLength] == "\(response.text.utf8.count)")
    #expect(response.json["id"]?.string == Exchange.id)
  }

  @Test func headHasTheHeadOfGetAndNoBody() async throws {
    let get = try await Exchange.run(.get, "/things/\(Exchange.id)")
    let head = try await Exchange.run(.head, "/things/\(Exchange.id)")
    #expect(head.status == 200 && head.text.isEmpty)
    #expect(head.fields[.contentLength] == get.fields[.contentLength])
  }

  @Test(arguments: ["/nothing", "/", "/things", "/things/x/y", "//", "/things/%41/b"])
  func anUnknownPathIsAProblem(path: String) async throws {
    let response = try await Exchange.run(.get, path)
    response.expectProblem(404, "route_not_found")
  }

  @Test func anUnknownMethodIsAProblemThatNamesTheOthers() async throws {
    let response = try await Exchange.run(.delete, "/things/\(Exchange.id)")
    response.expectProblem(405, "method_not_allowed")
    #expect(response.fields[.allow] == "GET, HEAD, PUT")
    let post = try await Exchange.run(.get, "/echo")
    post.expectProblem(405, "method_not_allowed")
    #expect(post.fields[.allow] == "POST")
  }

  @Test func aPathThatIsNamedLiterallyHasItsOwnMethodsOnly() async throws {
    for method in [HTTPRequest.Method.get, .put] {
      let response = try await Exchange.run(method, "/things/sort")
      response.expectProblem(405, "method_not_allowed")
      #expect(response.fields[.allow] == "POST")
    }
  }

  @Test(arguments: [("/things/mend", 404), ("/things/mend/", 404), ("/things/bend", 405), ("/fails", 404)])
  func aPathWithoutTheParameterAtItsEndSaysSo(_ path: String, _ status: Int) async throws {
    let response = try await Exchange.run(.post, path)
    response.expectProblem(status, status == 404 ? "route_not_found" : "method_not_allowed")
    let lacks = response.json["detail"]?.string?.contains("lacks its end: POST /things/mend/{id}") == true
    #expect(lacks == path.hasPrefix("/things/mend"), "\(response.text)")
  }

  @Test func aTrailingSlashAddressesTheSameResource() async throws {
    let response = try await Exchange.run(.get, "/things/\(Exchange.id)/")
    #expect(response.status == 200)
  }

  @Test(arguments: ["/things/%", "/things/%4", "/things/%zz", "/things?q=%f", "things", "", "*"])
  func aTargetThatIsNoPathIsRefused(path: String) async throws {
    let response = try await Exchange.run(.get, path)
    response.expectProblem(400, "validation_failed")
    #expect(response.json["errors"]?[0]?["field"]?.string == "path")
  }

  @Test(arguments: ["x", "%00", "' OR 1=1 --".replacing(" ", with: "%20"), "00000000-0000-4000-8000-00000000000"])
  func aPathParameterThatIsNoUUIDIsRefused(id: String) async throws {
    let response = try await Exchange.run(.get, "/things/\(id)")
    response.expectProblem(400, "validation_failed")
    #expect(response.json["errors"]?[0]?["field"]?.string == "id")
  }

  @Test func theCallersCorrelationIdIsKept() async throws {
    let id = "01234567-89AB-4DEF-8000-0000000000FF"
    let response = try await Exchange.run(.get, "/nothing", fields: [.correlationId: id])
    #expect(response.fields[.correlationId] == id.lowercased())
    #expect(response.json["correlationId"]?.string == id.lowercased())
  }

  @Test(arguments: ["", "abc", "1234"])
  func anInvalidCorrelationIdIsReplaced(id: String) async throws {
    let response = try await Exchange.run(.get, "/nothing", fields: [.correlationId: id])
    let made = try #require(response.fields[.correlationId])
    #expect(UUID(text: made) != nil)
    #expect(response.json["correlationId"]?.string == made)
  }

  @Test(arguments: [
    (nil, 10_000), ("250", 250), ("60000", 60_000), ("999999999", 60_000), ("9223372036854775807", 60_000),
  ])
  func theDeadlineIsTheCallersUpToTheMaximum(header: String?, milliseconds: Int) async throws {
    var fields: HTTPFields = [:]
    fields[.requestTimeout] = header
    let response = try await Exchange.run(.get, "/deadline", fields: fields)
    #expect(response.json["milliseconds"]?.integer == milliseconds)
  }

  @Test(arguments: ["0", "-5", "1.5", "soon", "", "99999999999999999999"])
  func aDeadlineThatIsNoneIsRefused(header: String) async throws {
    let response = try await Exchange.run(.get, "/deadline", fields: [.requestTimeout: header])
    response.expectProblem(400, "validation_failed")
    #expect(response.json["errors"]?[0]?["field"]?.string == "X-Request-Timeout-Ms")
  }

  @Test(arguments: [
    "application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8",
    "application/json; charset=\"utf-8\"", "application/json; profile=x",
  ])
  func jsonInUTF8IsAccepted(type: String) async throws {
    let response = try await Exchange.run(.post, "/echo", fields: [.contentType: type], body: #"{"a":1}"#)
    #expect(response.text == #"{"a":1}"#)
  }

  @Test(arguments: [
    "text/plain", "application/json; charset=latin1", "application/jsonx", "application/x-www-form-urlencoded",
  ])
  func anotherMediaTypeIsRefused(type: String) async throws {
    let response = try await Exchange.run(.post, "/echo", fields: [.contentType: type], body: #"{"a":1}"#)
    response.expectProblem(415, "unsupported_media_type")
  }

  @Test func aBodyWithoutATypeIsRefusedAndATypeWithoutABodyIsNot() async throws {
    let untyped = try await Exchange.run(.post, "/echo", body: "{}")
    untyped.expectProblem(415, "unsupported_media_type")
    let empty = try await Exchange.run(.post, "/empty")
    #expect(empty.status == 204)
  }

  @Test func aMissingBodyIsAProblemOfItsReader() async throws {
    let response = try await Exchange.run(.post, "/echo")
    response.expectProblem(400, "validation_failed")
  }

  @Test func malformedJSONNamesItsPlace() async throws {
    let response = try await Exchange.run(
      .post, "/echo", fields: [.contentType: "application/json"], body: "{\n  \"a\": tru\n}")
    response.expectProblem(400, "malformed_json")
    #expect(response.json["line"]?.integer == 2 && response.json["column"]?.integer == 8)
  }

  @Test(arguments: [65_536, 65_537])
  func aBodyIsLimited(size: Int) async throws {
    let body = "\"" + String(repeating: "x", count: size - 2) + "\""
    let response = try await Exchange.run(.post, "/echo", fields: [.contentType: "application/json"], body: body)
    if size > 65_536 {
      response.expectProblem(413, "payload_too_large")
      #expect(response.json["limit"]?.integer == 65_536)
    } else {
      response.expectProblem(400, "validation_failed")
    }
  }

  @Test func aStreamedBodyIsLimitedAsItArrives() async throws {
    let response = try await Exchange.run(
      .post, "/echo", fields: [.contentType: "application/json"],
      stream: Array(repeating: String(repeating: "x", count: 1000), count: 1_000_000 / 1000))
    response.expectProblem(413, "payload_too_large")
    let small = try await Exchange.run(
      .post, "/echo", fields: [.contentType: "application/json"], stream: ["{\"a\"", ":1}"])
    #expect(small.text == #"{"a":1}"#)
  }

  @Test func aDeclaredLengthOverTheLimitIsRefusedBeforeTheBodyIsRead() async throws {
    let response = try await Exchange.run(
      .post, "/echo", fields: [.contentType: "application/json", .contentLength: "70000"], stream: [])
    response.expectProblem(413, "payload_too_large")
  }

  @Test func anUnexpectedErrorSaysNothingOfItself() async throws {
    let response = try await Exchange.run(.get, "/fails/unexpected")
    response.expectProblem(500, "internal")
    #expect(!response.text.contains("secret"))
  }

  @Test(arguments: [
    ("lost", 503, "upstream_unavailable"), ("ambiguous", 503, "upstream_unavailable"),
    ("late", 504, "upstream_timeout"),
    ("exhausted", 503, "overloaded"), ("down", 503, "upstream_unavailable"), ("deadlock", 503, "upstream_unavailable"),
    ("canceled", 504, "upstream_timeout"), ("syntax", 500, "internal"),
  ])
  func failuresOfTheDatabaseHaveTheirStatus(kind: String, status: Int, code: String) async throws {
    let response = try await Exchange.run(.get, "/fails/\(kind)")
    response.expectProblem(status, code)
    #expect((response.fields[.retryAfter] != nil) == (status == 503))
    #expect(!response.text.contains("secret"))
  }

  @Test func aHummingbirdErrorBecomesAProblem() async throws {
    let response = try await Exchange.run(.get, "/fails/teapot")
    response.expectProblem(418, "bad_request")
  }

  @Test func noneOfTheResponsesIsEmptyOfItsCorrelation() async throws {
    for path in ["/nothing", "/things/x", "/fails/lost", "/things/\(Exchange.id)", "%"] {
      let response = try await Exchange.run(.get, path)
      #expect(response.fields[.correlationId] != nil)
    }
  }
}
