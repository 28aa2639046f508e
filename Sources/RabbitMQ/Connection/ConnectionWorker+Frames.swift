internal import Seams

/// What the broker says.
extension ConnectionWorker {
  func take(_ frame: AMQPFrame, on number: UInt16) {
    switch frame {
    case .connectionClosed(let code, let text):
      link.sendConnectionCloseOK()
      ending = BrokerError(
        code == .connectionForced ? .connectionLost : .refused, replyCode: code,
        message: "the broker closed the connection: \(text)")
    case .connectionCloseOK: lose("the broker closed it")
    case .blocked(let isBlocked): self.isBlocked = isBlocked
    case .channelClosed(let code, let text): channelClosed(code, text, number)
    case .channelCloseOK:
      if channels[number]?.isClosing == true { channels[number] = nil }
    default:
      // What was under way when we closed the channel is nobody's.
      guard let work = channels[number], !work.isClosing else { return }
      take(frame, work)
    }
  }

  private func take(_ frame: AMQPFrame, _ work: ChannelWork) {
    switch frame {
    case .answer(let answer): answered(answer, work)
    case .content(let start): work.content = ContentAssembly(start: start)
    case .header(let size, let message):
      work.content?.begin(message, bodySize: size)
      contentArrived(work)
    case .body(let bytes):
      work.content?.append(bytes)
      contentArrived(work)
    case .confirm(let tag, let multiple, let isAck):
      for done in work.confirms.take(tag: tag, multiple: multiple, isAck: isAck) { work.published(done) }
    case .consumerCancelled(let tag):
      work.consumers.removeValue(forKey: tag)?.end(
        .failed(BrokerError(.consumerEnded, message: "the broker ended the consumer: its queue is gone")))
    default: break
    }
  }

  private func answered(_ answer: BrokerAnswer, _ work: ChannelWork) {
    let isTaken = work.answered(answer)
    if work.isAbandoned { return closeChannel(work.channel) }
    guard !isTaken, let late = work.lateAnswer else { return }
    work.lateAnswer = nil
    // The caller gave up: what the broker handed over goes back.
    switch late {
    case .consume(_, let tag, _, _):
      work.asked(.cancel(tag), Reply(), nil, .max)
      check(link.send(.cancel(tag), on: work.channel.number))
    case .get:
      guard case .delivery(let delivery?) = answer else { return }
      check(link.reject(delivery.tag.number, multiple: false, requeue: true, on: work.channel.number))
    default: break
    }
  }

  private func contentArrived(_ work: ChannelWork) {
    guard let content = work.content, content.isComplete else { return }
    work.content = nil
    switch content.start {
    case .delivery(let tag, var delivery):
      delivery.message = content.message
      if let consumer = work.consumers[tag] {
        consumer.push(delivery)
      } else {
        // Its consumer has been given up and is being cancelled.
        check(link.reject(delivery.tag.number, multiple: false, requeue: true, on: work.channel.number))
      }
    case .got(var delivery):
      delivery.message = content.message
      answered(.delivery(delivery), work)
    case .returned(let code, let text, let exchange, let routingKey):
      work.confirms.take(returned: content.message, exchange: exchange, routingKey: routingKey, code, text)
    }
  }

  private func channelClosed(_ code: BrokerReplyCode, _ text: String, _ number: UInt16) {
    check(link.sendChannelCloseOK(number))
    guard let work = channels.removeValue(forKey: number) else { return }
    work.refused(code, text)
  }
}
