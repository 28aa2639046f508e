import Testing

@Suite struct NetworkTestsPlaceholder {}
