internal import Seams

/// What callers ask for.
extension ConnectionWorker {
  func take(_ command: Command) {
    switch command {
    case .openChannel(let reply, let deadline): openChannel(reply, deadline)
    case .ask(let channel, let request, let reply, let consumer, let deadline):
      guard let work = open(channel, command) else { return }
      work.asked(request, reply, consumer, deadline)
      nextDeadline = min(nextDeadline, deadline)
      check(link.send(request, on: channel.number))
    case .publish(let channel, _, _, let deadline):
      guard open(channel, command) != nil else { return }
      nextDeadline = min(nextDeadline, deadline)
      outgoing.append(command)
    case .acknowledge(let channel, let tag, let multiple):
      guard open(channel, command) != nil else { return }
      check(link.acknowledge(tag, multiple: multiple, on: channel.number))
    case .reject(let channel, let tag, let multiple, let requeue):
      guard open(channel, command) != nil else { return }
      check(link.reject(tag, multiple: multiple, requeue: requeue, on: channel.number))
    case .closeChannel(let channel): closeChannel(channel)
    case .close:
      closesPolitely = true
      ending = BrokerError(.closed, message: "the connection was closed by this program")
    }
  }

  /// The work of an open channel; answers the command when the channel has been closed meanwhile.
  private func open(_ channel: ChannelHandle, _ command: Command) -> ChannelWork? {
    if let work = channels[channel.number], work.channel === channel, !work.isClosing { return work }
    refuse(command, channel.closedError)
    return nil
  }

  private func openChannel(_ reply: Reply<ChannelHandle>, _ deadline: Int64) {
    guard let number = (1...max(1, link.channelLimit)).first(where: { channels[$0] == nil }) else {
      reply.resume(
        .failure(BrokerError(.closed, message: "the connection has no channel left of \(link.channelLimit)")))
      return
    }
    let channel = ChannelHandle(number: number)
    channels[number] = ChannelWork(channel, opening: reply, deadline)
    nextDeadline = min(nextDeadline, deadline)
    check(link.sendOpen(number))
  }

  func closeChannel(_ channel: ChannelHandle) {
    guard let work = channels[channel.number], work.channel === channel, !work.isClosing else { return }
    func isMine(_ command: Command) -> Bool {
      if case .publish(let other, _, _, _) = command { other === channel } else { false }
    }
    let mine = outgoing.filter(isMine)
    outgoing.removeAll(where: isMine)
    let error = BrokerError(.closed, message: "the channel was closed by this program")
    for command in mine { refuse(command, error) }
    work.end(error)
    work.isClosing = true
    check(link.sendChannelClose(channel.number))
  }

  /// Sends messages. A dead peer ends a send by its missing heartbeats.
  func sendOutgoing() {
    let commands = outgoing
    outgoing = []
    for (position, command) in commands.enumerated() {
      guard case .publish(let channel, let publications, let reply, let deadline) = command else { continue }
      if isBlocked || ending != nil {
        outgoing += commands[position...]
        return
      }
      guard let work = open(channel, command) else { continue }
      let batch = work.publishing(publications.count, reply, deadline)
      for (index, publication) in publications.enumerated() where ending == nil {
        work.confirms.add(publication, index, of: batch)
        check(link.publish(publication, on: channel.number))
      }
    }
  }
}
