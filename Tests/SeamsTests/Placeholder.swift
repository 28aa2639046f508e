import Testing

@Suite struct SeamsTestsPlaceholder {}
