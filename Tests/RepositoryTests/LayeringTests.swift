import Testing

@Suite struct LayeringTests {
  private static let manifest = Manifest(Repository.file("Package.swift").text)

  @Test func theManifestIsUnderstood() {
    let targets = Self.manifest.targets
    #expect(targets["zocod"]?.dependencies.contains("Inventory") == true)
    #expect(targets["SimulatedPostgres"]?.isOfTheHarness == true)
    #expect(targets["Inventory"]?.isOfTheHarness == false)
    #expect(Self.manifest.closure(of: "zoco").contains("CSimulationTraps"))
  }

  @Test(arguments: [
    "zocod", "Seams", "SeamsLive", "HTTPLive", "Reactor", "Postgres", "Redis", "RabbitMQ", "ServiceKit", "Inventory",
    "InventoryAPI", "Orders", "Payments",
  ])
  func productionLinksNothingOfTheHarness(_ target: String) {
    let linked = Self.manifest.closure(of: target).filter { Self.manifest.targets[$0]?.isOfTheHarness == true }
    #expect(linked.isEmpty, "\(target) links \(linked.sorted().joined(separator: ", "))")
  }

  @Test func aPlantedDependencyIsFound() {
    let planted = Manifest(
      """
          library("Inventory", ["Seams", "Faults", .logging]),
          simulation("Faults", at: "Faults", ["Seams"]),
      """)
    #expect(planted.closure(of: "Inventory").filter { planted.targets[$0]?.isOfTheHarness == true } == ["Faults"])
  }

  @Test(arguments: [
    ("CLibPQ", "Sources/Postgres/"), ("CHiredis", "Sources/Redis/"), ("CRabbitMQ", "Sources/RabbitMQ/"),
    ("CEpoll", "Sources/Reactor/"),
  ])
  func onlyItsDriverImportsALibrary(_ module: String, _ folder: String) throws {
    let pattern = try Regex("(?m)^\\s*(@preconcurrency )?(public |internal |package |private )?import \(module)\\b")
    let importers = Repository.sources.filter { $0.text.contains(pattern) }
    #expect(!importers.isEmpty)
    #expect(importers.allSatisfy { $0.path.hasPrefix(folder) }, "\(importers.map(\.path))")
  }

  @Test func servicesImportNoServerAndNoDriver() {
    let above = Repository.sources.filter { file in
      SourceRule.services.contains { file.path.hasPrefix($0 + "/") }
    }
    let forbidden =
      /(?m)^\s*(public |internal |package )?import (Postgres|Redis|RabbitMQ|Reactor|HTTPLive|SeamsLive|HummingbirdCore|AsyncHTTPClient|NIOPosix|Glibc)\b/
    let found = above.filter { $0.text.contains(forbidden) }
    #expect(found.isEmpty, "\(found.map(\.path))")
  }
}
