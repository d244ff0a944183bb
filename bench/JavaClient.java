import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * What the official client costs: reads a topic by pull loops or by push, or sends batches.
 *
 * <p>Arguments: name server, mode (pull, push, batch), topic, messages, bytes of a body. The first fifth
 * warms the machine up; printed is the processor time of the rest. Or: name server, relay, topic, topic to
 * send to; runs until it is killed.
 */
public final class JavaClient {
  private static final int BATCH = 100;

  private static long warmUp;
  private static long messages;
  private static final AtomicLong done = new AtomicLong();
  private static final AtomicLong cpuAtWarm = new AtomicLong(-1);
  private static final CountDownLatch finished = new CountDownLatch(1);

  public static void main(String[] args) throws Exception {
    if (args[1].equals("relay")) {
      relay(args[0], args[2], args[3]);
      return; // the client's threads go on
    }
    messages = Long.parseLong(args[3]);
    warmUp = messages / 5;
    switch (args[1]) {
      case "pull":
        pull(args[0], args[2]);
        break;
      case "push":
        push(args[0], args[2]);
        break;
      default:
        send(args[0], args[2], Integer.parseInt(args[4]));
    }
    finished.await();
    double seconds = (cpu() - cpuAtWarm.get()) / 1e9;
    System.out.println("{\"cpu_s_per_million\":" + seconds * 1e6 / (messages - warmUp) + "}");
    System.out.flush();
    Runtime.getRuntime().halt(0); // the client's threads are no daemons in every version
  }

  private static long cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static void count(long more) {
    long now = done.addAndGet(more);
    if (now >= warmUp && cpuAtWarm.get() < 0) {
      cpuAtWarm.compareAndSet(-1, cpu());
    }
    if (now >= messages) {
      finished.countDown();
    }
  }

  private static void pull(String nameserver, String topic) throws Exception {
    DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("bench_java_pull");
    consumer.setNamesrvAddr(nameserver);
    consumer.setVipChannelEnabled(false);
    consumer.start();
    for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
      Thread reader = new Thread(() -> pullQueue(consumer, queue));
      reader.setDaemon(true);
      reader.start();
    }
  }

  private static void pullQueue(DefaultMQPullConsumer consumer, MessageQueue queue) {
    try {
      long offset = consumer.minOffset(queue);
      while (finished.getCount() > 0) {
        PullResult result = consumer.pull(queue, "*", offset, 32);
        if (result.getPullStatus() != PullStatus.FOUND) {
          return;
        }
        offset = result.getNextBeginOffset();
        count(result.getMsgFoundList().size());
      }
    } catch (Exception error) {
      fail(error);
    }
  }

  private static void push(String nameserver, String topic) throws Exception {
    startPush("bench_java_push", nameserver, topic, list -> count(list.size()));
  }

  /** Each list that the client hands out goes on as one batch; its 20 listener threads send side by side. */
  private static void relay(String nameserver, String topic, String to) throws Exception {
    DefaultMQProducer producer = startProducer("bench_java_relay_out", nameserver);
    startPush(
        "bench_java_relay_in",
        nameserver,
        topic,
        list -> {
          List<Message> batch = new ArrayList<>(list.size());
          for (MessageExt message : list) {
            batch.add(new Message(to, message.getBody()));
          }
          try {
            sendPatiently(producer, batch);
          } catch (Exception error) {
            fail(error);
          }
        });
  }

  private static void startPush(
      String group, String nameserver, String topic, Consumer<List<MessageExt>> listener)
      throws Exception {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
    consumer.setNamesrvAddr(nameserver);
    consumer.setVipChannelEnabled(false);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.setConsumeMessageBatchMaxSize(32);
    consumer.subscribe(topic, "*");
    consumer.registerMessageListener(
        (MessageListenerConcurrently)
            (List<MessageExt> list, ConsumeConcurrentlyContext context) -> {
              listener.accept(list);
              return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
    consumer.start();
  }

  private static void send(String nameserver, String topic, int size) throws Exception {
    DefaultMQProducer producer = startProducer("bench_java_batch", nameserver);
    byte[] body = new byte[size];
    java.util.Arrays.fill(body, (byte) 'x');
    while (done.get() < messages) {
      List<Message> batch = new ArrayList<>(BATCH);
      for (int i = 0; i < BATCH; ++i) {
        batch.add(new Message(topic, body));
      }
      sendPatiently(producer, batch);
      count(BATCH);
    }
  }

  private static DefaultMQProducer startProducer(String group, String nameserver) throws Exception {
    DefaultMQProducer producer = new DefaultMQProducer(group);
    producer.setNamesrvAddr(nameserver);
    producer.setVipChannelEnabled(false);
    producer.setSendMsgTimeout(30_000);
    producer.start();
    return producer;
  }

  /** A busy broker refuses now and then; the client does not try again by itself. */
  private static void sendPatiently(DefaultMQProducer producer, List<Message> batch) throws Exception {
    for (int attempt = 0; ; ++attempt) {
      try {
        producer.send(batch);
        return;
      } catch (MQBrokerException busy) {
        if (busy.getResponseCode() != 2 || attempt > 1000) {
          throw busy;
        }
        Thread.sleep(1);
      }
    }
  }

  private static void fail(Exception error) {
    System.err.println("bench: " + error);
    Runtime.getRuntime().halt(1);
  }
}
