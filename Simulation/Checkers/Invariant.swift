/// What must always hold, as a sentence. Every violation names one.
public enum Invariant: String, Sendable, Hashable, Codable, CaseIterable {
  // MARK: The tables

  case neverOversold = "stock is never oversold: 0 <= reserved <= quantity"
  case reservedIsPending = "reserved is the sum of the pending reservations' lines"
  case ledgerAddsUp = "the ledger stock_movements adds up to quantity"
  case confirmedUnitsLeft = "units that left are the units of confirmed reservations"
  case nothingHeldAtRest = "nothing is undersold once the dust settles"
  case beginsPending = "a reservation begins pending"
  case oneReservation = "an order has at most one reservation"
  case endsOnce = "a reservation ends once"
  case neverDeleted = "a reservation is never deleted"
  case confirmedInTime = "a reservation is confirmed only before it expires"
  case expiresAfterItsTime = "a reservation expires only after its time"
  case versionRises = "version rises with every change of an item"
  case eventOfItsTransaction = "an event tells of a change of its own transaction"
  case changeHasItsEvent = "a change and its event are one transaction"
  case sequenceRises = "the sequence of a subject's events rises"
  case replenishedOnce = "a replenishment's key adds its stock once"

  // MARK: What clients are told

  case acknowledgedIsStored = "what a client was told is stored"
  case retryIsTheSame = "a retry is the same request"
  case noInternalError = "no request is answered with an internal error"
  case noFailureAfterHealing = "no request fails once every fault has healed"
  case refusalHasCode = "a refusal says its code as problem+json"
  case refusalApplies = "a request is refused only for a reason that applies to it"
  case stockWasShort = "a request is refused only for stock that was not there"
  case rowWasAbsent = "a row is called unknown only if it was not there"
  case reservationHadEnded = "a reservation is called ended only if it had ended so"
  case reservationWasOverdue = "a reservation is called expired only if its time was over"
  case versionHadChanged = "a version conflict names the version that was there, which is not the caller's"
  case moreWasReserved = "a quantity is called below what is reserved only if it was"
  case keyWasInUse = "a key is called in use only after its first request was waited for in vain"
  case oneWriterWins = "one writer wins a version"
  case aggregateIsTrue = "an aggregate says what the tables said at one moment"
  case staleReadIsBounded = "a read tells what was so within the life of a cached value"
  case answeredInTime = "a request is answered in time, whatever the cache does"
  case expiryIsCounted = "the expiry job counts what expired while it ran"
  case stockIsLinearizable = "stock operations are linearizable per product"

  // MARK: The cache

  case cacheAgreesAtRest = "once the dust settles cache and table agree, or the key is absent"
  case cacheIsUsedAgain = "a cache that is back is used again"

  // MARK: Orders

  case moneyAndStockAgree = "money and stock agree: an order is paid and stocked, or refunded and released"
  case acceptedOrderIsStored = "an order that was accepted is stored, and its key stands for it alone"
  case acceptedCancelIsStored = "a cancel that was accepted is stored"
  case toldOrderWasSo = "what a client is told of an order was so"
  case stopIsHeeded = "an order that is stopped before it is paid is not confirmed"
  case sagaHasOneOwner = "a saga belongs to one instance at a time"
  case orderStatesAreLegal = "an order goes from state to state as it may, and ends once"
  case failureApplies = "an order fails only for a reason that applies to it"
  case noOrderFailsAfterHealing = "no order fails for want of an answer once every fault has healed"
  case orderTellsItsEnd = "an order's making and its end are told by their own transactions"

  case customerIsTold = "every customer is told of an order's end, and of nothing else"

  // MARK: Events

  case everyEventIsPublished = "every committed event is published"
  case publishedWasCommitted = "what is published was committed"
  case subjectOrderIsKept = "the first copies of a subject's events arrive in their order"
  case everyEventArrives = "every event takes effect or is a dead letter"
  case takesEffectOnce = "an event takes effect once, however often it is delivered, and is not tried for ever"
  case deadLetterIsStored = "what is given up is stored among the dead letters, with its reason"

  // MARK: The world

  case lockOrder = "lines lock in one order, so that no transaction waits for another in a circle"
  case answersAreWhole = "an answer that nothing damaged is what the service writes"
  case comesToRest = "everything comes to rest once every fault has healed"
  case serviceRuns = "a service runs until it is stopped"

  // MARK: Single scenarios

  case lastItemOnce = "of the clients that want the last item one gets it and the others are refused"
  case lastItemReserved = "the last item is reserved in the table"
  case staleWritersLearn = "one of the writers of a version wins, and the others learn the version that beat them"
  case expiredUnitsReturn = "every unit of an expired reservation comes back, once"
  case plentyIsReserved = "every order of plentiful products is reserved"
  case plentyIsConfirmed = "every order of plentiful products that can be paid is confirmed"
  case storedOnce = "requests with one key and one body make one order, and all are told of it"
  case deadLetterIsRetried = "a dead letter that is tried again takes effect once its reason is gone, and is resolved"
  case poisonIsSetAside = "a message that cannot be processed is set aside, and hinders no other"
  case restCanBeSold = "what is available at rest can be sold"
}
