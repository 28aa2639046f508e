// swift-tools-version: 6.2
import PackageDescription

/// Every target builds in Swift 6 mode with these upcoming features; warnings are errors.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

extension Target.Dependency {
  static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
  static let asyncHTTPClient = product(name: "AsyncHTTPClient", package: "async-http-client")
  static let collections = product(name: "Collections", package: "swift-collections")
  static let configuration = product(name: "Configuration", package: "swift-configuration")
  static let crypto = product(name: "Crypto", package: "swift-crypto")
  static let hashTrees = product(name: "HashTreeCollections", package: "swift-collections")
  static let histogram = product(name: "Histogram", package: "hdrhistogram-swift")
  static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
  static let hummingbird = product(name: "Hummingbird", package: "hummingbird")
  static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
  static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
  static let logging = product(name: "Logging", package: "swift-log")
  static let mustache = product(name: "Mustache", package: "swift-mustache")
  static let nioCore = product(name: "NIOCore", package: "swift-nio")
  static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
  static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
  static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
  static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
}

func library(_ name: String, in folder: String = "Sources", _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, path: "\(folder)/\(name)", swiftSettings: settings)
}

func simulation(_ name: String, at path: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, path: "Simulation/\(path)", swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: settings)
}

let package = Package(
  name: "zoco",
  products: [
    .executable(name: "zoco", targets: ["zoco"]),
    .executable(name: "zocod", targets: ["zocod"]),
    .library(name: "Linearizability", targets: ["Linearizability"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.2.0", traits: []),
    .package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.1.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
  ],
  targets: [
    // What the services are built on: seams, their live implementations, the shared kit.
    .systemLibrary(
      name: "CLibPQ", path: "Sources/CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    // Without pkg-config, which passes a flag that SwiftPM warns of: the header and the library are where they belong.
    .systemLibrary(name: "CHiredis", path: "Sources/CHiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(
      name: "CRabbitMQ", path: "Sources/CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
    .systemLibrary(name: "CEpoll", path: "Sources/CEpoll"),
    library("Seams", [.nioCore, .httpTypes]),
    library("SeamsLive", ["Seams"]),
    library("Reactor", ["CEpoll"]),
    library("Postgres", ["CLibPQ", "Reactor", "Seams", .logging]),
    library("Redis", ["CHiredis", "Reactor", "Seams", .collections, .logging]),
    library("RabbitMQ", ["CRabbitMQ", "Seams", .nioCore]),
    library(
      "HTTPLive",
      [
        "Seams", .asyncHTTPClient, .httpTypes, .hummingbirdCore, .lifecycle, .logging, .nioCore, .nioHTTP1,
        .nioHTTPTypes, .nioPosix,
      ]),
    library(
      "ServiceKit",
      ["Seams", .collections, .configuration, .crypto, .httpTypes, .hummingbird, .logging, .nioCore]),
    library("InventoryAPI", ["Seams", "ServiceKit", .httpTypes]),
    library("Payments", ["Seams", "ServiceKit", .configuration, .httpTypes, .hummingbird, .logging, .nioCore]),
    .target(
      name: "Inventory",
      dependencies: ["Seams", "ServiceKit", .crypto, .httpTypes, .hummingbird, .logging, .nioCore],
      path: "Sources/Inventory", resources: [.embedInCode("Migrations")], swiftSettings: settings),
    .target(
      name: "Orders",
      dependencies: [
        "InventoryAPI", "Payments", "Seams", "ServiceKit", .collections, .configuration, .crypto, .httpTypes,
        .hummingbird, .logging, .mustache, .nioCore,
      ],
      path: "Sources/Orders", resources: [.embedInCode("Migrations"), .embedInCode("Pages")], swiftSettings: settings),
    .executableTarget(
      name: "zocod",
      dependencies: [
        "Seams", "SeamsLive", "Postgres", "RabbitMQ", "Redis", "HTTPLive", "ServiceKit", "Inventory",
        "InventoryAPI", "Orders", "Payments", .argumentParser, .configuration, .lifecycle, .logging, .nioCore,
        .unixSignals,
      ],
      path: "Sources/zocod", swiftSettings: settings),

    // The harness: the simulator, the explorer, the reports.
    .target(name: "CSimulationTraps", path: "Sources/CSimulationTraps"),
    library("Reporting", [.mustache]),
    simulation("SimulationKernel", at: "Kernel", ["CSimulationTraps", "Seams", .collections]),
    simulation(
      "SimulatedNetwork", at: "World/Network", ["SimulationKernel", "Seams", .collections, .httpTypes, .nioCore]),
    simulation(
      "SimulatedPostgres", at: "World/SimulatedPostgres",
      ["SimulationKernel", "SimulatedNetwork", "Seams", .collections]),
    simulation(
      "SimulatedRedis", at: "World/SimulatedRedis", ["SimulationKernel", "SimulatedNetwork", "Seams", .collections]),
    simulation(
      "SimulatedRabbitMQ", at: "World/SimulatedRabbitMQ",
      ["SimulationKernel", "SimulatedNetwork", "Seams", .collections, .nioCore]),
    simulation("Faults", at: "Faults", ["SimulationKernel", "SimulatedNetwork", "SimulatedPostgres", "Seams"]),
    simulation("Linearizability", at: "Linearizability", [.hashTrees]),
    simulation(
      "Checkers", at: "Checkers", ["Linearizability", "SimulationKernel", "SimulatedPostgres", "Seams", .collections]),
    simulation(
      "Scenarios", at: "Scenarios",
      [
        "SimulationKernel", "SimulatedNetwork", "SimulatedPostgres", "SimulatedRedis", "SimulatedRabbitMQ", "Faults",
        "Checkers", "Seams",
        "ServiceKit", "Inventory", "InventoryAPI", "Orders", "Payments", .crypto, .httpTypes, .logging, .nioCore,
      ]),
    simulation(
      "Explorer", at: "Explorer", ["SimulationKernel", "Faults", "Scenarios", "Reporting", "Seams", .collections]),
    .executableTarget(
      name: "zoco",
      dependencies: [
        "Seams", "SeamsLive", "SimulationKernel", "SimulatedNetwork", "SimulatedPostgres", "Scenarios", "Explorer",
        "Reporting", "Linearizability", "Postgres", "HTTPLive", "ServiceKit", "Inventory", .argumentParser,
        .histogram, .logging, .nioCore,
      ],
      path: "Sources/zoco", swiftSettings: settings),

    library(
      "CallFixtures", in: "Tests", ["ServiceKit", "SimulationKernel", "Seams", .httpTypes, .logging, .nioCore]),
    tests("SeamsTests", ["Seams", "SeamsLive", .nioCore]),
    tests("KernelTests", ["SimulationKernel", "Seams"]),
    tests("NetworkTests", ["SimulatedNetwork", "SimulationKernel", "Seams", .httpTypes, .nioCore]),
    tests("SimulatedPostgresTests", ["SimulatedPostgres", "SimulatedNetwork", "SimulationKernel", "Seams"]),
    tests("SimulatedRedisTests", ["SimulatedRedis", "SimulatedNetwork", "SimulationKernel", "Seams"]),
    tests(
      "SimulatedRabbitMQTests", ["SimulatedRabbitMQ", "SimulatedNetwork", "SimulationKernel", "Seams", .nioCore]),
    tests("PostgresTests", ["Postgres", "Seams"]),
    tests("RedisTests", ["Redis", "Reactor", "Seams", "SeamsLive", .logging]),
    tests("RabbitMQTests", ["RabbitMQ", "Seams", .nioCore]),
    tests(
      "ServiceKitTests",
      [
        "CallFixtures", "ServiceKit", "SimulatedPostgres", "SimulatedRedis", "SimulatedRabbitMQ", "SimulatedNetwork",
        "SimulationKernel", "Seams",
        .configuration, .httpTypes, .hummingbird, .logging, .nioCore,
      ]),
    tests(
      "InventoryTests",
      [
        "CallFixtures", "Inventory", "ServiceKit", "SimulatedPostgres", "SimulatedRedis", "SimulatedRabbitMQ",
        "SimulatedNetwork", "SimulationKernel", "CSimulationTraps", "Seams", .httpTypes, .logging, .nioCore,
      ]),
    tests(
      "OrdersTests",
      [
        "CallFixtures", "CSimulationTraps", "InventoryAPI", "Orders", "Payments", "ServiceKit", "SimulatedPostgres",
        "SimulatedRabbitMQ", "SimulatedNetwork", "SimulationKernel", "Seams", .configuration, .httpTypes, .logging,
        .nioCore,
      ]),
    tests("InventoryAPITests", ["CallFixtures", "InventoryAPI", "ServiceKit", "Seams", .httpTypes]),
    tests(
      "PaymentsTests",
      [
        "CallFixtures", "Payments", "ServiceKit", "SimulatedNetwork", "SimulationKernel", "Seams", .configuration,
        .httpTypes, .logging, .nioCore,
      ]),
    tests("ScenarioTests", ["Scenarios", "Checkers", "Faults", "SimulatedNetwork", "SimulationKernel", "Seams"]),
    tests("ExplorerTests", ["Explorer", "Scenarios", "Checkers", "Reporting", "SimulationKernel"]),
    tests("LinearizabilityTests", ["Linearizability"]),
    tests("RepositoryTests", []),
    tests(
      "IntegrationTests",
      [
        "Postgres", "Reactor", "Redis", "RabbitMQ", "HTTPLive", "SeamsLive", "ServiceKit", "Inventory", "InventoryAPI",
        "Orders",
        "Payments", "Checkers", "Scenarios", "SimulatedPostgres", "SimulatedRedis", "SimulatedRabbitMQ",
        "SimulatedNetwork",
        "SimulationKernel", "Seams", .httpTypes, .logging, .nioCore, .nioPosix,
      ]),
  ],
  swiftLanguageModes: [.v6]
)
