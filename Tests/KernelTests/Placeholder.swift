import Testing

@Suite struct KernelTestsPlaceholder {}
