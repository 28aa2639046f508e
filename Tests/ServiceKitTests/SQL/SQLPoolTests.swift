import Seams
import ServiceKit
import Testing

@Suite struct SQLPoolTests {
  private let refused = SQLError(.connectFailed, message: "refused")

  @Test func aReturnedConnectionIsUsedAgain() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment)
      for _ in 0..<10 {
        try await pool.withConnection(deadline: environment.after(.seconds(1))) { connection in
          #expect(connection.status == .idle)
        }
      }
      #expect(database.connections.count == 1)
      let figures = pool.figures
      #expect(figures.acquired == 10 && figures.idle == 1 && figures.inUse == 0 && figures.connected == 1)
    }
  }

  @Test(arguments: 1...20)
  func neverMoreThanItsSizeAndEveryCallerGetsOne(seed: UInt64) {
    simulate(seed: seed) { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment, options: .init(size: 5))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<100 {
          group.addTask {
            try await environment.sleep(.microseconds(environment.entropy.integer(in: 0...5000)))
            try await pool.withConnection(deadline: environment.after(.seconds(10))) { connection in
              #expect(pool.figures.inUse <= 5)
              _ = try await connection.execute("SELECT 1", deadline: environment.after(.seconds(1)))
            }
          }
        }
        try await group.waitForAll()
      }
      let figures = pool.figures
      #expect(figures.acquired == 100 && figures.waiting == 0 && figures.inUse == 0 && figures.connecting == 0)
      #expect(database.connections.count <= 5)
      #expect(figures.waitTotal > .zero && figures.waitMaximum <= figures.waitTotal)
    }
  }

  @Test(arguments: 1...10)
  func waitersAreServedInTheOrderOfTheirArrival(seed: UInt64) {
    simulate(seed: seed) { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment, options: .init(size: 1))
      let served = Log<Int>()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<20 {
          group.addTask {
            try await environment.sleep(.microseconds(10 * index))
            try await pool.withConnection(deadline: environment.after(.seconds(10))) { connection in
              served.append(index)
              // Every third breaks its connection: the next one then has to open another and keeps its place.
              if index.isMultiple(of: 3) { connection.close() }
              try await environment.sleep(.milliseconds(1))
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(served.entries == Array(0..<20))
    }
  }

  @Test func aWaiterGivesUpAtItsDeadlineAndSaysHowThePoolStands() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment, options: .init(size: 1))
      try await pool.withConnection(deadline: environment.after(.seconds(1))) { _ in
        let start = environment.clock.now
        let error = await #expect(throws: SQLError.self) {
          try await pool.withConnection(deadline: start.advanced(by: .milliseconds(250))) { _ in }
        }
        #expect(error?.code == .poolExhausted && error?.cause == nil)
        #expect(
          error?.message == "no connection within 250 ms: 1 of 1 in use, 0 connecting, 0 other callers waiting")
        #expect(start.duration(to: environment.clock.now) == .milliseconds(250))
      }
      #expect(pool.figures.timeouts == 1 && pool.figures.waiting == 0)
    }
  }

  @Test func aCallerWithoutADeadlineWaitsUntilItIsServed() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment, options: .init(size: 1))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<3 {
          group.addTask {
            try await pool.withConnection(deadline: .distantFuture) { _ in try await environment.sleep(.seconds(3600)) }
          }
        }
        try await group.waitForAll()
      }
      #expect(pool.figures.waitMaximum > .seconds(7200))
    }
  }

  @Test(arguments: 1...20)
  func aCancelledWaiterLeavesItsPlaceToTheNext(seed: UInt64) {
    simulate(seed: seed) { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment, options: .init(size: 2))
      for _ in 0..<10 {
        await withTaskGroup(of: Void.self) { group in
          for _ in 0..<12 {
            group.addTask {
              try? await pool.withConnection(deadline: environment.after(.seconds(10))) { _ in
                try await environment.sleep(.milliseconds(2))
              }
            }
          }
          try? await environment.sleep(.microseconds(environment.entropy.integer(in: 0...8000)))
          group.cancelAll()
        }
        let figures = pool.figures
        #expect(figures.waiting == 0 && figures.inUse == 0 && figures.connecting == 0)
      }
      try await pool.withConnection(deadline: environment.after(.seconds(1))) { _ in }
    }
  }

  @Test func whileTheDatabaseIsDownCallersFailAtTheirDeadlineWithItsCause() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      database.script { $0.connectError = refused }
      let pool = SQLPool(connector: database, environment: environment)
      let start = environment.clock.now
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<100 {
          group.addTask {
            let error = await #expect(throws: SQLError.self) {
              try await pool.withConnection(deadline: start.advanced(by: .seconds(10))) { _ in }
            }
            #expect(error?.code == .poolExhausted)
            #expect((error?.cause as? SQLError)?.code == .connectFailed)
          }
        }
      }
      #expect(start.duration(to: environment.clock.now) == .seconds(10))
      #expect(database.mostConnecting <= 4)
      // Four at first, then one at a time after pauses that grow to five seconds.
      #expect((6...16).contains(database.connectAttempts.count))
      #expect(pool.figures.timeouts == 100 && pool.figures.connecting == 0)
    }
  }

  @Test(arguments: 1...10)
  func whenTheDatabaseIsBackEveryWaiterIsServed(seed: UInt64) {
    simulate(seed: seed) { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      database.script { $0.connectError = refused }
      let pool = SQLPool(connector: database, environment: environment, options: .init(size: 8))
      let start = environment.clock.now
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<50 {
          group.addTask {
            // The first to come leave early, so that the one who watches for the database changes.
            let patience: Duration = index < 10 ? .milliseconds(100 * index + 50) : .seconds(30)
            do {
              try await pool.withConnection(deadline: start.advanced(by: patience)) { _ in
                try await environment.sleep(.milliseconds(1))
              }
            } catch let error as SQLError where index < 10 {
              #expect(error.code == .poolExhausted)
            }
          }
        }
        try await environment.sleep(.seconds(3))
        database.script { $0.connectError = nil }
        try await group.waitForAll()
      }
      #expect(pool.figures.acquired == 40 && pool.figures.waiting == 0)
      #expect(start.duration(to: environment.clock.now) < .seconds(12))
      #expect(database.mostConnecting <= 4)
    }
  }

  @Test func connectingTakesNoLongerThanItsTimeOut() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      database.script { $0.connectDelay = .seconds(60) }
      let pool = SQLPool(connector: database, environment: environment)
      let start = environment.clock.now
      let error = await #expect(throws: SQLError.self) {
        try await pool.withConnection(deadline: start.advanced(by: .seconds(7))) { _ in }
      }
      #expect(error?.code == .poolExhausted)
      let attempts = database.connectAttempts.map { start.duration(to: $0) }
      #expect(attempts.count == 2 && attempts[0] == .zero)
      #expect(attempts[1] > .seconds(5) && attempts[1] < .milliseconds(5200))
    }
  }

  @Test func aConnectionLeftInATransactionIsRolledBack() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment)
      let deadline = environment.after(.seconds(1))
      try await pool.withConnection(deadline: deadline) { connection in
        _ = try await connection.execute("BEGIN", deadline: deadline)
      }
      #expect(database.statements == ["BEGIN", "ROLLBACK"])
      #expect(pool.figures.idle == 1)
      database.script { $0.statementErrors = [("ROLLBACK", SQLError(.connectionLost, message: "gone"))] }
      try await pool.withConnection(deadline: deadline) { connection in
        _ = try await connection.execute("BEGIN", deadline: deadline)
      }
      #expect(pool.figures.idle == 0 && pool.figures.discarded == 1 && database.openConnections == 0)
    }
  }

  @Test func aConnectionThatWasIdleForLongIsCheckedBeforeUse() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment)
      try await pool.withConnection(deadline: environment.after(.seconds(1))) { _ in }
      try await environment.sleep(.seconds(31))
      database.script { $0.statementErrors = [("SELECT 1", SQLError(.connectionLost, message: "gone"))] }
      try await pool.withConnection(deadline: environment.after(.seconds(1))) { connection in
        #expect((connection as? ScriptedConnection)?.number == 1)
      }
      #expect(database.statements == ["SELECT 1"])
      #expect(pool.figures.discarded == 1 && pool.figures.connected == 2)
    }
  }

  @Test func maintenanceKeepsIdleConnectionsCheckedAndEndsOldOnes() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      var options = SQLPool.Options()
      options.maximumLifetime = .seconds(100)
      let pool = SQLPool(connector: database, environment: environment, options: options)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try? await pool.run() }
        try await pool.withConnection(deadline: environment.after(.seconds(1))) { _ in }
        try await environment.sleep(.seconds(64))
        #expect(database.statements == ["SELECT 1"])
        try await environment.sleep(.seconds(60))
        #expect(database.openConnections == 0 && pool.figures.idle == 0)
        group.cancelAll()
      }
    }
  }

  @Test func shutdownWaitsForWhatIsLentAndRefusesTheRest() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment, options: .init(size: 1))
      let events = Log<String>()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await pool.withConnection(deadline: environment.after(.seconds(9))) { connection in
            try await environment.sleep(.seconds(3))
            #expect(connection.status == .idle)
            events.append("returned")
          }
        }
        group.addTask {
          try await environment.sleep(.milliseconds(100))
          await #expect(throws: SQLError.self) {
            try await pool.withConnection(deadline: environment.after(.seconds(9))) { _ in }
          }
          events.append("refused")
        }
        try await environment.sleep(.seconds(1))
        await pool.shutdown(deadline: environment.after(.seconds(5)))
        events.append("shut down")
        try await group.waitForAll()
      }
      #expect(events.entries == ["refused", "returned", "shut down"])
      #expect(database.openConnections == 0)
      await #expect(throws: SQLError.self) {
        try await pool.withConnection(deadline: environment.after(.seconds(1))) { _ in }
      }
    }
  }

  @Test func shutdownClosesWhatIsStillLentAtItsDeadline() {
    simulate { environment in
      let database = ScriptedDatabase(clock: environment.clock)
      let pool = SQLPool(connector: database, environment: environment)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await pool.withConnection(deadline: environment.after(.seconds(9))) { connection in
            try await environment.sleep(.seconds(30))
            #expect(connection.status == .closed)
          }
        }
        try await environment.sleep(.seconds(1))
        let start = environment.clock.now
        await pool.shutdown(deadline: start.advanced(by: .seconds(5)))
        #expect(start.duration(to: environment.clock.now) == .seconds(5))
        #expect(database.openConnections == 0)
        try await group.waitForAll()
      }
      #expect(pool.figures.inUse == 0)
    }
  }
}
