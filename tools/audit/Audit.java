import java.io.BufferedWriter;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.exception.RemotingException;
import org.apache.rocketmq.remoting.protocol.RemotingSysResponseCode;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Writes and reads topics with the official Java client, as a judge that shares no code with Slipstream.
 *
 * <p>Commands: topic, produce, read; every one takes --nameserver and --topic. See usage(). Results go to
 * standard output, everything else to standard error; exit status 1 means that the command failed.
 */
public final class Audit {
  private static final int PULL_SIZE = 32;
  private static final long PATIENCE_MS = 120_000;
  private static final long CONTENT_MS = 6_000;

  private final Map<String, String> options = new HashMap<>();
  private final BufferedWriter out =
      new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 16);

  public static void main(String[] args) {
    int status = 1;
    try {
      Audit audit = new Audit();
      System.setOut(System.err); // the client's loggers print where the result belongs
      status = audit.run(args);
    } catch (Exception error) {
      System.err.println("audit: " + error);
    }
    // The client's threads are no daemons in every version.
    Runtime.getRuntime().halt(status);
  }

  private static int usage() {
    System.err.println(
        "topic   --nameserver A --topic T --queues N   create or widen a topic\n"
            + "produce --nameserver A --topic T --count N    send bodies made from --template, in which\n"
            + "        [--start S] [--batch B] [--tag X]     {n} is the sequence number and {n%M} its\n"
            + "        [--template TEXT] [--rate R] [--keys] remainder; --keys sets the key to n\n"
            + "read    --nameserver A --topic T              all queues, from the first message to the\n"
            + "        [--show body|meta|count]              last one at the time of the call\n"
            + "        [--field F [--expect FROM:TO]]        counts the values of a JSON field\n"
            + "members --nameserver A --topic T --group G    who is online and what it reads\n"
            + "consume --nameserver A --topic T --group G    as a member of the group, until no message\n"
            + "        [--orderly] [--idle S] [--fail X]     came for S seconds (30); prints each body;\n"
            + "                                              those that hold X are refused\n"
            + "        [--tries N]                           and dead letters after N more tries\n"
            + "        [--trace]                             (also produce) with the client's message trace\n"
            + "transact --nameserver A --topic T --count N   messages of transactions: n % 4 is 0 committed,\n"
            + "                                              1 rolled back, 2 committed when asked, 3 not\n"
            + "request --nameserver A --topic T --count N    asks {n} of --template, and prints the answers\n"
            + "answer  --nameserver A --topic T --count N    answers N requests with \"re: \" and their body,\n"
            + "        --group G                             as a member of the group\n"
            + "allocate --topic T                            what its strategies give to whom");
    return 2;
  }

  private int run(String[] args) throws Exception {
    if (args.length == 0) {
      return usage();
    }
    for (int i = 1; i < args.length; i++) {
      String name = args[i].substring(2);
      boolean isFlag = i + 1 == args.length || args[i + 1].startsWith("--");
      options.put(name, isFlag ? "true" : args[++i]);
    }
    boolean asksServer = !args[0].equals("allocate");
    if ((asksServer && !options.containsKey("nameserver")) || !options.containsKey("topic")) {
      return usage();
    }
    switch (args[0]) {
      case "topic":
        createTopic();
        break;
      case "produce":
        produce();
        break;
      case "read":
        read();
        break;
      case "members":
        members();
        break;
      case "consume":
        consume();
        break;
      case "transact":
        transact();
        break;
      case "request":
        request();
        break;
      case "answer":
        answer();
        break;
      case "allocate":
        allocate();
        break;
      default:
        return usage();
    }
    out.flush();
    return 0;
  }

  // The client gives no body where a message has an empty one.
  private static String text(Message message) {
    byte[] body = message.getBody();
    return body == null ? "" : new String(body, StandardCharsets.UTF_8);
  }

  private int number(String name, int otherwise) {
    return Integer.parseInt(options.getOrDefault(name, String.valueOf(otherwise)));
  }

  private DefaultMQAdminExt startedAdmin() throws Exception {
    DefaultMQAdminExt admin = new DefaultMQAdminExt(10_000L);
    admin.setNamesrvAddr(options.get("nameserver"));
    admin.setInstanceName("audit-" + ProcessHandle.current().pid());
    admin.start();
    return admin;
  }

  private void createTopic() throws Exception {
    DefaultMQAdminExt admin = startedAdmin();
    TopicConfig config = new TopicConfig(options.get("topic"));
    config.setReadQueueNums(number("queues", 4));
    config.setWriteQueueNums(number("queues", 4));
    for (String broker : brokers(admin)) {
      admin.createAndUpdateTopicConfig(broker, config);
    }
    waitForRoute(admin, number("queues", 4));
    admin.shutdown();
  }

  /** Who is online in a group, and what it reads, as tools of the cluster are told. */
  private void members() throws Exception {
    DefaultMQAdminExt admin = startedAdmin();
    var seen = admin.examineConsumerConnectionInfo(options.get("group"));
    for (var member : seen.getConnectionSet()) {
      out.write("member " + member.getClientId() + "\n");
    }
    for (String topic : seen.getSubscriptionTable().keySet()) {
      out.write("topic " + topic + "\n");
    }
    admin.shutdown();
  }

  private void consume() throws Exception {
    AtomicLong last = new AtomicLong();
    DefaultMQPushConsumer consumer = patiently(() -> startedMember(last));
    last.accumulateAndGet(System.currentTimeMillis(), Math::max);
    long idle = number("idle", 30) * 1000L;
    while (System.currentTimeMillis() - last.get() < idle) {
      Thread.sleep(50);
    }
    consumer.shutdown();
  }

  private DefaultMQPushConsumer startedMember(AtomicLong last) throws Exception {
    DefaultMQPushConsumer consumer =
        new DefaultMQPushConsumer(options.get("group"), options.containsKey("trace"), null);
    consumer.setNamesrvAddr(options.get("nameserver"));
    consumer.setVipChannelEnabled(false);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(options.get("topic"), options.getOrDefault("tag", "*"));
    consumer.setMaxReconsumeTimes(number("tries", -1));
    String refused = options.get("fail");
    if (options.containsKey("orderly")) {
      consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
        printBodies(messages, last);
        return ConsumeOrderlyStatus.SUCCESS;
      });
    } else {
      consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
        for (MessageExt message : messages) {
          if (refused != null && text(message).contains(refused)) {
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
          }
        }
        printBodies(messages, last);
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
      });
    }
    try {
      consumer.start();
    } catch (MQClientException | IllegalStateException slow) {
      consumer.shutdown();
      throw slow;
    }
    return consumer;
  }

  private synchronized void printBodies(List<MessageExt> messages, AtomicLong last) {
    try {
      for (MessageExt message : messages) {
        out.write(message.getQueueId() + "\t" + message.getReconsumeTimes() + "\t"
            + text(message) + "\n");
      }
      out.flush();
    } catch (java.io.IOException gone) {
      throw new java.io.UncheckedIOException(gone);
    }
    last.set(System.currentTimeMillis());
  }

  private void transact() throws Exception {
    TransactionMQProducer producer = new TransactionMQProducer("audit_transactions_" + options.get("topic"));
    producer.setNamesrvAddr(options.get("nameserver"));
    producer.setVipChannelEnabled(false);
    producer.setSendMsgTimeout(10_000);
    producer.setExecutorService(new ThreadPoolExecutor(1, 1, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>(1_000)));
    Set<String> asked = ConcurrentHashMap.newKeySet();
    AtomicLong last = new AtomicLong();
    producer.setTransactionListener(new TransactionListener() {
      @Override
      public LocalTransactionState executeLocalTransaction(Message message, Object number) {
        switch ((Integer) number % 4) {
          case 0:
            return LocalTransactionState.COMMIT_MESSAGE;
          case 1:
            return LocalTransactionState.ROLLBACK_MESSAGE;
          default:
            return LocalTransactionState.UNKNOW;
        }
      }

      @Override
      public LocalTransactionState checkLocalTransaction(MessageExt message) {
        asked.add(message.getKeys());
        last.set(System.currentTimeMillis());
        return Integer.parseInt(message.getKeys()) % 4 == 2
            ? LocalTransactionState.COMMIT_MESSAGE
            : LocalTransactionState.ROLLBACK_MESSAGE;
      }
    });
    producer.start();
    int count = number("count", 4);
    for (int n = 0; n < count; n++) {
      Message message = new Message(options.get("topic"), ("{\"seq\":" + n + "}").getBytes(StandardCharsets.UTF_8));
      message.setKeys(String.valueOf(n));
      producer.sendMessageInTransaction(message, n);
    }
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    // An answer may get lost: the broker is content when it does not ask again.
    while ((asked.size() < count / 2 || System.currentTimeMillis() - last.get() < CONTENT_MS)
        && System.currentTimeMillis() < deadline) {
      Thread.sleep(50);
    }
    producer.shutdown();
    out.write("asked " + asked.size() + "\n");
  }

  private DefaultMQProducer startedProducer(String group) throws Exception {
    DefaultMQProducer producer = new DefaultMQProducer(group);
    producer.setNamesrvAddr(options.get("nameserver"));
    producer.setVipChannelEnabled(false);
    producer.setSendMsgTimeout(10_000);
    producer.start();
    return producer;
  }

  private void request() throws Exception {
    DefaultMQProducer producer = startedProducer("audit_asks_" + options.get("topic"));
    patiently(() -> producer.fetchPublishMessageQueues(options.get("topic")));
    String template = options.getOrDefault("template", "{n}");
    for (int n = 0; n < number("count", 1); n++) {
      byte[] body = fill(template, n).getBytes(StandardCharsets.UTF_8);
      Message reply = producer.request(new Message(options.get("topic"), body), PATIENCE_MS);
      out.write(new String(reply.getBody(), StandardCharsets.UTF_8) + "\n");
    }
    producer.shutdown();
  }

  private void answer() throws Exception {
    DefaultMQProducer producer = startedProducer("audit_answers_" + options.get("topic"));
    Set<String> answered = ConcurrentHashMap.newKeySet();
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(options.get("group"));
    consumer.setNamesrvAddr(options.get("nameserver"));
    consumer.setVipChannelEnabled(false);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.subscribe(options.get("topic"), "*");
    consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
      for (MessageExt message : messages) {
        String body = new String(message.getBody(), StandardCharsets.UTF_8);
        try {
          producer.send(MessageUtil.createReplyMessage(message, ("re: " + body).getBytes(StandardCharsets.UTF_8)));
        } catch (Exception failed) {
          System.err.println("audit: the answer to " + body + ": " + failed);
          return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        }
        answered.add(body);
      }
      return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    });
    consumer.start();
    long deadline = System.currentTimeMillis() + 2 * PATIENCE_MS;
    while (answered.size() < number("count", 1) && System.currentTimeMillis() < deadline) {
      Thread.sleep(50);
    }
    consumer.shutdown();
    producer.shutdown();
    out.write("answered " + answered.size() + "\n");
  }

  /** strategy, queues of each broker, brokers, members, member: its queues. */
  private void allocate() throws Exception {
    AllocateMessageQueueByMachineRoom byRoom = new AllocateMessageQueueByMachineRoom();
    byRoom.setConsumeridcs(Set.of("hz"));
    AllocateMachineRoomNearby.MachineRoomResolver rooms = new AllocateMachineRoomNearby.MachineRoomResolver() {
      @Override
      public String brokerDeployIn(MessageQueue queue) {
        return queue.getBrokerName().split("@")[0];
      }

      @Override
      public String consumerDeployIn(String client) {
        return client.split("-")[0];
      }
    };
    List<AllocateMessageQueueStrategy> strategies = List.of(new AllocateMessageQueueAveragely(),
        new AllocateMessageQueueAveragelyByCircle(), byRoom, new AllocateMessageQueueConsistentHash(),
        new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), rooms));
    String[] brokers = {"hz@a", "sh@b"};
    for (AllocateMessageQueueStrategy strategy : strategies) {
      for (int brokerCount = 1; brokerCount <= 2; brokerCount++) {
        for (int queueCount : new int[] {1, 4, 7}) {
          List<MessageQueue> queues = new ArrayList<>();
          for (int broker = 0; broker < brokerCount; broker++) {
            for (int queue = 0; queue < queueCount; queue++) {
              queues.add(new MessageQueue(options.get("topic"), brokers[broker], queue));
            }
          }
          for (int memberCount : new int[] {1, 2, 3, 5}) {
            allocate(strategy, queues, memberCount, queueCount + " " + brokerCount);
          }
        }
      }
    }
  }

  private void allocate(AllocateMessageQueueStrategy strategy, List<MessageQueue> queues, int memberCount,
      String what) throws Exception {
    List<String> members = new ArrayList<>();
    for (int member = 0; member < memberCount; member++) {
      members.add(new String[] {"hz", "bj", "hz"}[member % 3] + "-10.0.0." + member + "@4711#" + member);
    }
    members.sort(null);
    for (int member = 0; member < memberCount; member++) {
      out.write(strategy.getName() + " " + what + " " + memberCount + " " + members.get(member) + ":");
      for (MessageQueue queue : strategy.allocate("g", members.get(member), queues, members)) {
        out.write(" " + queue.getBrokerName() + "/" + queue.getQueueId());
      }
      out.write("\n");
    }
  }

  private static Collection<String> brokers(DefaultMQAdminExt admin) throws Exception {
    return admin.examineBrokerClusterInfo().getBrokerAddrTable().values().stream()
        .map(data -> data.getBrokerAddrs().get(0L))
        .collect(Collectors.toList());
  }

  /** A topic is usable once the name server tells of it, a moment after its broker does. */
  private void waitForRoute(DefaultMQAdminExt admin, int queues) throws Exception {
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (true) {
      try {
        int seen = admin.examineTopicRouteInfo(options.get("topic")).getQueueDatas().stream()
            .mapToInt(data -> data.getReadQueueNums())
            .min()
            .orElse(0);
        if (seen == queues) {
          return;
        }
      } catch (MQClientException notYet) {
        // told below when it lasts
      }
      if (System.currentTimeMillis() > deadline) {
        throw new IllegalStateException("no route to topic " + options.get("topic"));
      }
      Thread.sleep(50);
    }
  }

  private void produce() throws Exception {
    String group = "audit_producer_" + ProcessHandle.current().pid();
    DefaultMQProducer producer = new DefaultMQProducer(group, options.containsKey("trace"), null);
    producer.setNamesrvAddr(options.get("nameserver"));
    producer.setVipChannelEnabled(false);
    producer.setSendMsgTimeout(10_000);
    producer.setPollNameServerInterval(1_000); // a queue of a static topic may move
    producer.start();
    patiently(() -> producer.fetchPublishMessageQueues(options.get("topic")));
    long first = Long.parseLong(options.getOrDefault("start", "0"));
    long count = Long.parseLong(options.get("count"));
    int batch = number("batch", 32);
    int rate = number("rate", 0);
    String template = options.getOrDefault("template", "{\"seq\":{n}}");
    long begun = System.nanoTime();
    for (long sent = 0; sent < count; sent += batch) {
      List<Message> messages = new ArrayList<>();
      for (long n = first + sent; n < first + Math.min(count, sent + batch); n++) {
        byte[] body = fill(template, n).getBytes(StandardCharsets.UTF_8);
        Message message = new Message(options.get("topic"), body);
        if (options.containsKey("tag")) {
          message.setTags(options.get("tag"));
        }
        if (options.containsKey("keys")) {
          message.setKeys(String.valueOf(n));
        }
        messages.add(message);
      }
      send(producer, messages);
      if (rate > 0) {
        long due = begun + (sent + batch) * 1_000_000_000L / rate;
        Thread.sleep(Math.max(0, (due - System.nanoTime()) / 1_000_000));
      }
    }
    producer.shutdown();
    out.write("sent " + count + "\n");
  }

  /** What changes nothing may be asked again of a server that is slow or busy. */
  private static <T> T patiently(Callable<T> question) throws Exception {
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (true) {
      try {
        return question.call();
      } catch (MQClientException | MQBrokerException | RemotingException | IllegalStateException slow) {
        if (System.currentTimeMillis() > deadline) {
          throw slow;
        }
        Thread.sleep(50);
      }
    }
  }

  private static final Pattern PLACE = Pattern.compile("\\{n(?:%(\\d+))?\\}");

  private static String fill(String template, long n) {
    Matcher matcher = PLACE.matcher(template);
    StringBuilder text = new StringBuilder();
    while (matcher.find()) {
      long value = matcher.group(1) == null ? n : n % Long.parseLong(matcher.group(1));
      matcher.appendReplacement(text, String.valueOf(value));
    }
    return matcher.appendTail(text).toString();
  }

  /**
   * Sends until the broker took the messages. A refusal (busy, no leader) is retried; a lost answer would
   * make a repeat a duplicate, so that one is an error and the count of messages stays exact.
   */
  private static void send(DefaultMQProducer producer, List<Message> messages) throws Exception {
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (true) {
      try {
        producer.setRetryTimesWhenSendFailed(0);
        SendResult result = messages.size() == 1 ? producer.send(messages.get(0)) : producer.send(messages);
        if (result.getSendStatus() == SendStatus.SEND_OK) {
          return;
        }
        throw new IllegalStateException("send status " + result.getSendStatus());
      } catch (MQBrokerException | MQClientException refused) {
        if (!isBusy(refused) || System.currentTimeMillis() > deadline) {
          throw refused;
        }
        Thread.sleep(20);
      }
    }
  }

  private static final int NOT_LEADER_FOR_QUEUE = 501; // of 5.x: a queue of a static topic has moved
  private static final Set<Integer> REFUSALS =
      Set.of(RemotingSysResponseCode.SYSTEM_BUSY, NOT_LEADER_FOR_QUEUE);

  /** The client wraps a broker's refusal when its own attempts are used up. */
  private static boolean isBusy(Exception error) {
    Throwable cause = error instanceof MQBrokerException ? error : error.getCause();
    return cause instanceof MQBrokerException
        && REFUSALS.contains(((MQBrokerException) cause).getResponseCode());
  }

  /** Brokers acknowledge messages before they dispatch them to the queues that readers see. */
  private void waitForDispatch() throws Exception {
    DefaultMQAdminExt admin = startedAdmin();
    var brokers = patiently(() -> admin.examineTopicRouteInfo(options.get("topic")).getBrokerDatas());
    for (var broker : brokers) {
      String address = broker.getBrokerAddrs().get(0L);
      long end = patiently(() -> runtimeNumber(admin, address, "commitLogMaxOffset"));
      long deadline = System.currentTimeMillis() + PATIENCE_MS;
      while (patiently(() -> runtimeNumber(admin, address, "commitLogMaxOffset")
          - runtimeNumber(admin, address, "dispatchBehindBytes")) < end) {
        if (System.currentTimeMillis() > deadline) {
          throw new IllegalStateException(address + " does not dispatch what it has stored");
        }
        Thread.sleep(50);
      }
    }
    admin.shutdown();
  }

  private static long runtimeNumber(DefaultMQAdminExt admin, String broker, String name) throws Exception {
    return Long.parseLong(admin.fetchBrokerRuntimeStats(broker).getTable().get(name));
  }

  private void read() throws Exception {
    waitForDispatch();
    String group = "audit_reader_" + ProcessHandle.current().pid();
    DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(group);
    consumer.setNamesrvAddr(options.get("nameserver"));
    consumer.setVipChannelEnabled(false);
    consumer.start();
    Tally tally = new Tally(options.get("field"));
    String show = options.getOrDefault("show", options.containsKey("field") ? "count" : "body");
    List<MessageQueue> queues = new ArrayList<>(
        patiently(() -> consumer.fetchSubscribeMessageQueues(options.get("topic"))));
    queues.sort(null);
    for (MessageQueue queue : queues) {
      readQueue(consumer, queue, tally, show);
    }
    if (show.equals("count")) {
      out.write(tally.report(queues.size(), options.get("expect")) + "\n");
    }
    consumer.shutdown();
  }

  private void readQueue(DefaultMQPullConsumer consumer, MessageQueue queue, Tally tally, String show)
      throws Exception {
    long end = patiently(() -> consumer.maxOffset(queue));
    long offset = patiently(() -> consumer.minOffset(queue));
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (offset < end) {
      long next = offset;
      PullResult result = patiently(() -> consumer.pull(queue, "*", next, PULL_SIZE));
      if (result.getPullStatus() == PullStatus.FOUND) {
        for (MessageExt message : result.getMsgFoundList()) {
          if (message.getQueueOffset() < end) {
            show(message, tally, show);
          }
        }
        deadline = System.currentTimeMillis() + PATIENCE_MS;
      } else if (System.currentTimeMillis() > deadline) {
        throw new IllegalStateException("stuck at " + queue + " offset " + offset + ": " + result);
      }
      offset = result.getNextBeginOffset();
    }
  }

  private void show(MessageExt message, Tally tally, String show) throws Exception {
    String body = text(message);
    tally.add(body);
    if (show.equals("body")) {
      out.write(body + "\n");
    } else if (show.equals("meta")) {
      out.write(message.getQueueId() + "\t" + message.getQueueOffset() + "\t" + message.getMsgId() + "\t"
          + orEmpty(message.getTags()) + "\t" + orEmpty(message.getKeys()) + "\t" + body + "\n");
    }
  }

  private static String orEmpty(String text) {
    return text == null ? "" : text;
  }

  /** Counts messages and the values of one JSON field; the bodies need not be otherwise valid JSON. */
  private static final class Tally {
    private final Pattern pattern;
    private final Set<String> distinct = new HashSet<>();
    private long messages;
    private long withoutField;

    Tally(String field) {
      pattern = field == null
          ? null
          : Pattern.compile(
              "\"" + Pattern.quote(field) + "\"\\s*:\\s*(\"(?:[^\"\\\\]|\\\\.)*\"|[^,}\\]\\s]+)");
    }

    void add(String body) {
      messages++;
      if (pattern == null) {
        return;
      }
      Matcher matcher = pattern.matcher(body);
      if (!matcher.find()) {
        withoutField++;
        return;
      }
      String value = matcher.group(1);
      distinct.add(value.startsWith("\"") ? value.substring(1, value.length() - 1) : value);
    }

    String report(int queues, String expect) {
      String text = "{\"queues\":" + queues + ",\"messages\":" + messages;
      if (pattern != null) {
        text += ",\"distinct\":" + distinct.size() + ",\"without_field\":" + withoutField
            + ",\"duplicates\":" + (messages - withoutField - distinct.size());
      }
      if (expect != null) {
        String[] range = expect.split(":");
        long from = Long.parseLong(range[0]);
        long to = Long.parseLong(range[1]);
        long missing = 0;
        for (long n = from; n < to; n++) {
          missing += distinct.contains(String.valueOf(n)) ? 0 : 1;
        }
        text += ",\"missing\":" + missing + ",\"unexpected\":" + (distinct.size() - (to - from - missing));
      }
      return text + "}";
    }
  }
}
