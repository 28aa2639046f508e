import Testing

@Suite struct ServiceKitTestsPlaceholder {}
