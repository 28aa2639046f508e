import Scenarios
import Testing

@Suite struct StatementRewriteTests {
  private let update = """
    UPDATE items SET quantity = $1,
      updated_at = now()
    WHERE id = $2 AND version = $13 AND reserved <= $1
    """

  @Test func aFragmentIsReplacedWhateverTheLayout() {
    let rewrite = StatementRewrite(in: "UPDATE items", replace: "= $1, updated_at = now()", with: "= $1")
    #expect(
      rewrite.apply(to: update) == "UPDATE items SET quantity = $1 WHERE id = $2 AND version = $13 AND reserved <= $1")
  }

  @Test func theParameterOfTheFragmentGoesIntoTheReplacement() {
    let rewrite = StatementRewrite(
      in: "UPDATE items", replace: " AND version = $#", with: " AND $#::int8 IS NOT NULL AND $# > 0")
    #expect(
      rewrite.apply(to: update)?.hasSuffix("WHERE id = $2 AND $13::int8 IS NOT NULL AND $13 > 0 AND reserved <= $1")
        == true)
  }

  @Test func whatFollowsTheParameterMustFit() {
    let rewrite = StatementRewrite(in: "UPDATE items", replace: "= $# AND reserved", with: "= $# OR reserved")
    #expect(rewrite.apply(to: update)?.hasSuffix("AND version = $13 OR reserved <= $1") == true)
  }

  @Test func anotherStatementIsLeftAlone() {
    let rewrite = StatementRewrite(in: "DELETE FROM items", replace: " AND version = $#", with: "")
    #expect(rewrite.apply(to: update) == nil)
  }

  @Test func aStatementWithoutTheFragmentIsLeftAlone() {
    let rewrite = StatementRewrite(in: "UPDATE items", replace: " AND nothing = $#", with: "")
    #expect(rewrite.apply(to: update) == nil)
  }

  @Test func theStatementBeforeDecidesWhereItIsNamed() {
    let rewrite = StatementRewrite(in: "UPDATE items", after: "SELECT 1", replace: "id = $2", with: "true")
    #expect(rewrite.apply(to: update) == nil)
    #expect(rewrite.apply(to: update, after: "SELECT 2") == nil)
    #expect(rewrite.apply(to: update, after: "SELECT 1")?.contains("WHERE true AND") == true)
  }
}
