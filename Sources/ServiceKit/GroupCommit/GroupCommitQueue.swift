/// The items that wait for a batch, in their order of arrival, and the rule which of them may start.
///
/// Two lanes never hold items that conflict, and of conflicting items the earlier one starts first. So items of one
/// key are committed in their order of arrival, and lanes do not wait for each other's locks. Only an item that was put
/// back may be overtaken, by items that do not need what holds it up.
struct GroupCommitQueue<Element, Key: Hashable> {
  private var waiting: [(element: Element, keys: [Key])] = []
  /// How many running batches hold a key: 0 or 1, by the rule; absent is 0.
  private var held: Set<Key> = []

  /// How many items wait.
  var count: Int { waiting.count }
  var isEmpty: Bool { waiting.isEmpty }

  /// Visits the items in their order.
  func forEach(_ body: (Element) -> Void) {
    for entry in waiting { body(entry.element) }
  }

  /// Adds an item at the end. Without keys it conflicts with nothing.
  mutating func append(_ element: Element, keys: [Key]) {
    waiting.append((element, keys))
  }

  /// Returns items to the head of the queue, in their order.
  mutating func putBack(_ elements: [(element: Element, keys: [Key])]) {
    if !elements.isEmpty { waiting.insert(contentsOf: elements, at: 0) }
  }

  /// Takes up to `limit` items that may start now and holds their keys.
  mutating func take(upTo limit: Int) -> (elements: [Element], keys: [Key]) {
    if held.isEmpty && waiting.count <= limit { return takeAll() }
    var taken: [Element] = []
    var keys: [Key] = []
    var takenKeys: Set<Key> = []
    var blocked = held
    var left: [(element: Element, keys: [Key])] = []
    for entry in waiting {
      if taken.count < limit && !entry.keys.contains(where: blocked.contains) {
        taken.append(entry.element)
        for key in entry.keys where takenKeys.insert(key).inserted { keys.append(key) }
      } else {
        // What stays behind goes first: nothing that conflicts with it may overtake it.
        blocked.formUnion(entry.keys)
        left.append(entry)
      }
    }
    waiting = left
    held.formUnion(keys)
    return (taken, keys)
  }

  private mutating func takeAll() -> (elements: [Element], keys: [Key]) {
    var keys: [Key] = []
    for entry in waiting {
      for key in entry.keys where held.insert(key).inserted { keys.append(key) }
    }
    var taken: [Element] = []
    taken.reserveCapacity(waiting.count)
    for entry in waiting { taken.append(entry.element) }
    waiting.removeAll(keepingCapacity: true)
    return (taken, keys)
  }

  /// Lets go of the keys of a batch that has ended.
  mutating func release(_ keys: [Key]) {
    for key in keys { held.remove(key) }
  }

  /// Removes every item that `isGone` says so of.
  mutating func removeAll(where isGone: (Element) -> Bool) {
    waiting.removeAll { isGone($0.element) }
  }
}
