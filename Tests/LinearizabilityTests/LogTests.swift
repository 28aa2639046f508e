import Linearizability
import Testing

/// Logs as Jepsen writes them.
@Suite struct LogTests {
  private func register(_ text: String, _ failure: HistoryLog.FailedCompareAndSet? = nil) throws -> Bool? {
    let log = try HistoryLog(Array(text.utf8))
    let history = try log.registerHistory(allowsCompareAndSet: true, failure: failure ?? log.customaryFailure)
    return LinearizabilityChecker(RegisterModel()).isLinearizable(history)
  }

  private func store(_ text: String) throws -> Bool? {
    let log = try HistoryLog(Array(text.utf8))
    return LinearizabilityChecker(KeyValueModel()).isLinearizable(try log.keyValueHistory(failure: .absent))
  }

  private func error(_ text: String, allowsCompareAndSet: Bool = true) -> String {
    do throws(LogError) {
      _ = try HistoryLog(Array(text.utf8)).registerHistory(allowsCompareAndSet: allowsCompareAndSet, failure: .absent)
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private let staleRead = """
    {:process 0, :type :invoke, :f :write, :value 3}
    {:process 0, :type :ok, :f :write, :value 3}
    {:process 1, :type :invoke, :f :write, :value 4, :time 12, :index 2}
    {:process :nemesis, :type :info, :f :start, :value nil}
    {:process 1, :type :ok, :f :write, :value 4}
    {:process 0, :type :invoke, :f :read, :value nil}
    {:process 0, :type :ok, :f :read, :value 3} ; stale
    """

  @Test func aMapOnEachLineIsRead() throws {
    #expect(try register(staleRead) == false)
    #expect(try register(staleRead.replacing("value 3} ; stale", with: "value 4}")) == true)
  }

  @Test func oneVectorIsRead() throws {
    #expect(try register("[\(staleRead)\n]") == false)
  }

  @Test func taggedMapsAndDiscardedValuesAreRead() throws {
    #expect(try register(staleRead.replacing("{:process", with: "#jepsen.history.Op{:process")) == false)
    #expect(try register("#_ {:not \"an event\"} " + staleRead) == false)
  }

  @Test func linesOfTheLogAreRead() throws {
    let lines = """
      INFO  jepsen.util - 0\t:invoke\t:write\t3
      INFO  jepsen.core - Worker 1 starting
      INFO  jepsen.util - 0\t:ok\t:write\t3
      INFO  jepsen.util - :nemesis\t:info\t:start\tnil
      INFO  jepsen.util - 1\t:invoke\t:cas\t[3 4]
      INFO  jepsen.util - 1\t:ok\t:cas\t[3 4]
      INFO  jepsen.util - 0\t:invoke\t:read\tnil
      INFO  jepsen.util - 0\t:ok\t:read\t4

      """
    #expect(try register(lines) == true)
    #expect(try register(lines.replacing(":read\t4", with: ":read\t3")) == false)
    #expect(try register(lines.replacing("INFO  jepsen.util - ", with: "")) == true)
    #expect(try register(lines.replacing("INFO  ", with: "INFO [2026-01-02 03:04:05] jepsen worker 0 - ")) == true)
  }

  @Test func whatIsNotKnownMayHaveHappened() throws {
    let lines = """
      0 :invoke :write 1
      0 :ok :write 1
      1 :invoke :write 2
      1 :info :write :timed-out
      2 :invoke :read nil
      2 :fail :read :timed-out
      0 :invoke :read nil
      0 :ok :read VALUE
      3 :invoke :write 5
      """
    #expect(try register(lines.replacing("VALUE", with: "1")) == true)
    #expect(try register(lines.replacing("VALUE", with: "2")) == true)
    #expect(try register(lines.replacing("VALUE", with: "5")) == false)
  }

  @Test func whatFailedDidNotHappen() throws {
    let lines = "0 :invoke :write 1\n0 :fail :write 1\n0 :invoke :read nil\n0 :ok :read "
    #expect(try register(lines + "nil") == true)
    #expect(try register(lines + "1") == false)
  }

  @Test func aFailedSwapMeansWhatItsLogMeans() throws {
    let text = "0 :invoke :write 1\n0 :ok :write 1\n0 :invoke :cas [1 2]\n0 :fail :cas [1 2]"
    #expect(try register(text) == false)
    #expect(try register(text, .absent) == true)
    let maps = """
      {:process 0 :type :invoke :f :write :value 1} {:process 0 :type :ok :f :write :value 1}
      {:process 0 :type :invoke :f :cas :value [1 2]} {:process 0 :type :fail :f :cas :value [1 2]}
      """
    #expect(try register(maps) == true)
    #expect(try register(maps, .mismatch) == false)
  }

  @Test func aStoreNamesItsKeysInEitherWay() throws {
    let keyed = """
      {:process 0, :type :invoke, :f :put, :key "x", :value "1"}
      {:process 0, :type :ok, :f :put, :key "x", :value "1"}
      {:process 1, :type :invoke, :f :append, :key "x", :value "2"}
      {:process 1, :type :ok, :f :append, :key "x", :value "2"}
      {:process 0, :type :invoke, :f :get, :key "x", :value nil}
      {:process 0, :type :ok, :f :get, :key "x", :value "12"}
      {:process 0, :type :invoke, :f :get, :key "y", :value nil}
      {:process 0, :type :ok, :f :get, :key "y", :value ""}
      """
    #expect(try store(keyed) == true)
    #expect(try store(keyed.replacing("\"12\"", with: "\"21\"")) == false)
    let pairs = """
      {:process 0, :type :invoke, :f :write, :value [1 3]}
      {:process 0, :type :ok, :f :write, :value [1 3]}
      {:process 0, :type :invoke, :f :cas, :value [2 [3 4]]}
      {:process 0, :type :fail, :f :cas, :value [2 [3 4]]}
      {:process 0, :type :invoke, :f :read, :value [1 nil]}
      {:process 0, :type :ok, :f :read, :value [1 3]}
      """
    #expect(try store(pairs) == true)
    #expect(try store(pairs.replacing(":ok, :f :read, :value [1 3]", with: ":ok, :f :read, :value [2 3]")) == true)
    #expect(try store(pairs.replacing(":ok, :f :read, :value [1 3]", with: ":ok, :f :read, :value [1 4]")) == false)
  }

  @Test func valuesOfAnyKindAreCompared() throws {
    let lines = "0 :invoke :write VALUE\n0 :ok :write VALUE\n0 :invoke :read nil\n0 :ok :read OTHER"
    for (value, other, same) in [
      ("\"a\\tb\\u0041\"", "\"a\tbA\"", true), ("[1 (2)]", "[1, (2)]", true), (":a", ":b", false),
      ("1", "\"1\"", false),
      ("7N", "7", true), ("#{2 1}", "#{1 2}", true), ("\\a", "\\b", false), ("-4", "-4", true),
      ("true", "false", false),
      ("{:a 1}", "{:a 1}", true), ("2.5", "2.5", true), ("nil", "nil", true),
    ] {
      let text = lines.replacing("VALUE", with: value).replacing("OTHER", with: other)
      #expect(try register(text) == same, "\(value) and \(other)")
    }
  }

  @Test(arguments: [
    ("{:process 0, :type :invoke", "line 1, column 1: what is opened here is never closed with \"}\""),
    ("\n  {:process 0, :type}", "line 2, column 3: this map has a key without a value"),
    ("{:process 0, :type :invoke, :f :read}\n]", "line 2, column 1: \"]\" closes nothing"),
    ("[1]", "line 1, column 2: an event is a map"),
    ("{:type :invoke, :f :read}", "line 1, column 1: this event has no :process"),
    ("{:process 0 :f :read}", "line 1, column 1: this event has no :type"),
    ("{:process 0 :type :invoke}", "line 1, column 1: this event has no :f"),
    ("{:process 0, :type :begin, :f :read}", "line 1, column 20: the type :begin is none of"),
    ("{:process \"0\", :type :ok, :f :read}", "line 1, column 11: a :process is a number"),
    (
      "0 :invoke :read nil\n0 :invoke :read nil",
      "line 2, column 1: process 0 invokes :read before its operation of line 1"
    ),
    ("0 :ok :read 3", "line 1, column 1: process 0 ends an operation that it did not invoke"),
    ("0 :invoke :read nil\n0 :ok :write 3", "line 2, column 7: process 0 ends :write, but invoked :read"),
    ("0 :invoke :pop nil", "line 1, column 11: the model has no operation :pop"),
    ("0 :invoke :cas 3", "line 1, column 16: cas takes the expected and the new value"),
    ("0 :invoke", "line 1, column 10: the function is missing"), ("0", "line 1, column 2: the type is missing"),
    ("zero :invoke :read nil", "line 1, column 1: a line begins with the number of a process"),
    ("0 :invoke :write \"abc", "line 1, column 18: this text is never closed"),
    ("0 :invoke :write \"\\x\"", "line 1, column 19: a text has no escape \\x"),
  ])
  func whatIsNoHistoryIsToldWithItsPlace(_ text: String, _ message: String) {
    #expect(error(text).hasPrefix(message), "\(error(text))")
  }

  @Test func aRegisterHasNoSwap() {
    #expect(
      error("0 :invoke :cas [1 2]", allowsCompareAndSet: false)
        == "line 1, column 11: the model has no operation :cas")
  }

  @Test func aStoreNeedsKeys() {
    #expect(throws: LogError.self) { try store("{:process 0, :type :invoke, :f :get, :value nil}") }
  }

  @Test func deepNestingIsRefused() {
    let deep = "0 :invoke :write " + String(repeating: "[", count: 5_000)
    #expect(error(deep).contains("nested deeper than 100"))
  }
}
