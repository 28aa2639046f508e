/// What is due when: an indexed 4-ary heap, ordered by time and, at the same time, by the order of scheduling.
///
/// Removing an event is exact (nothing stays behind), because a deadline that is almost always cancelled would
/// otherwise fill the heap.
struct EventQueue {
  /// Names an event while it is scheduled; stale afterwards.
  struct Token: Hashable {
    var slot: Int32
    var generation: UInt32
  }

  private struct Node {
    var time: Int64
    var order: UInt64
    var slot: Int32
  }

  private struct Slot {
    var generation: UInt32 = 0
    var heapIndex: Int32 = -1
    var action: (() -> Void)?
  }

  private var heap: ContiguousArray<Node> = []
  private var slots: ContiguousArray<Slot> = []
  private var free: ContiguousArray<Int32> = []
  private var order: UInt64 = 0

  var count: Int { heap.count }
  var nextTime: Int64? { heap.first?.time }

  mutating func insert(at time: Int64, _ action: @escaping () -> Void) -> Token {
    let slot: Int32
    if let reused = free.popLast() {
      slot = reused
    } else {
      slot = Int32(slots.count)
      slots.append(Slot())
    }
    slots[Int(slot)].action = action
    order &+= 1
    heap.append(Node(time: time, order: order, slot: slot))
    siftUp(heap.count - 1)
    return Token(slot: slot, generation: slots[Int(slot)].generation)
  }

  /// Takes the event back. A token whose event fired or was removed does nothing.
  mutating func remove(_ token: Token) {
    guard slots[Int(token.slot)].generation == token.generation else { return }
    let index = Int(slots[Int(token.slot)].heapIndex)
    release(token.slot)
    let last = heap.removeLast()
    guard index < heap.count else { return }
    heap[index] = last
    slots[Int(last.slot)].heapIndex = Int32(index)
    siftDown(index)
    siftUp(index)
  }

  mutating func popFirst() -> (time: Int64, action: () -> Void)? {
    guard let first = heap.first else { return nil }
    let action = slots[Int(first.slot)].action
    release(first.slot)
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      slots[Int(last.slot)].heapIndex = 0
      siftDown(0)
    }
    return action.map { (first.time, $0) }
  }

  mutating func removeAll() {
    for node in heap { release(node.slot) }
    heap.removeAll()
  }

  private mutating func release(_ slot: Int32) {
    slots[Int(slot)].action = nil
    slots[Int(slot)].generation &+= 1
    slots[Int(slot)].heapIndex = -1
    free.append(slot)
  }

  @inline(__always)
  private static func precedes(_ left: Node, _ right: Node) -> Bool {
    left.time < right.time || (left.time == right.time && left.order < right.order)
  }

  private mutating func siftUp(_ start: Int) {
    heap.withUnsafeMutableBufferPointer { heap in
      slots.withUnsafeMutableBufferPointer { slots in
        var index = start
        let node = heap[index]
        while index > 0 {
          let parent = (index - 1) >> 2
          guard Self.precedes(node, heap[parent]) else { break }
          heap[index] = heap[parent]
          slots[Int(heap[index].slot)].heapIndex = Int32(truncatingIfNeeded: index)
          index = parent
        }
        heap[index] = node
        slots[Int(node.slot)].heapIndex = Int32(truncatingIfNeeded: index)
      }
    }
  }

  private mutating func siftDown(_ start: Int) {
    heap.withUnsafeMutableBufferPointer { heap in
      slots.withUnsafeMutableBufferPointer { slots in
        var index = start
        let node = heap[index]
        while true {
          let firstChild = index << 2 + 1
          guard firstChild < heap.count else { break }
          var smallest = firstChild
          for child in firstChild + 1..<max(firstChild + 1, min(firstChild + 4, heap.count))
          where Self.precedes(heap[child], heap[smallest]) {
            smallest = child
          }
          guard Self.precedes(heap[smallest], node) else { break }
          heap[index] = heap[smallest]
          slots[Int(heap[index].slot)].heapIndex = Int32(truncatingIfNeeded: index)
          index = smallest
        }
        heap[index] = node
        slots[Int(node.slot)].heapIndex = Int32(truncatingIfNeeded: index)
      }
    }
  }
}
