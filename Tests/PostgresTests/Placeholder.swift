import Testing

@Suite struct PostgresTestsPlaceholder {}
