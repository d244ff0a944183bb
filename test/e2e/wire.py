"""A few requests of the remoting protocol, spoken by hand: fast, exact, and sharing no code with Slipstream.

    wire = Wire(cluster)
    wire.send("orders", b"text", queue=2, tags="a", keys="k1", properties={"x": "1"})
    wire.max_offset("orders", 2)
    for message in wire.messages("orders"): message.body, message.offset, message.properties
"""
import json
import socket
import struct
import time
import zlib
from dataclasses import dataclass

SEND, PULL, QUERY_OFFSET, UPDATE_OFFSET = 10, 11, 14, 15
SEND_BACK = 36
SEARCH_OFFSET, MAX_OFFSET, MIN_OFFSET = 29, 30, 31
RUNTIME, NOT_SAMPLED = 28, 1  # a broker 4.x has no answer in its first second
ROUTE = 105
FOUND, NOTHING_NEW, MOVED, NO_OFFSET = 0, 19, 21, 22
BUSY = 2
NAME_END, PAIR_END = "\x01", "\x02"
MAGIC_V2 = 0xDAA320AB
COMPRESSED, BORN_V6, STORE_V6 = 1, 1 << 4, 1 << 5


@dataclass
class StoredMessage:
    queue: int
    offset: int
    body: bytes
    properties: dict
    born_ms: int
    store_ms: int
    reconsume_times: int
    physical: int

    @property
    def tags(self):
        return self.properties.get("TAGS")

    @property
    def keys(self):
        return self.properties.get("KEYS")

    @property
    def text(self):
        return self.body.decode()

    @property
    def row(self):
        return json.loads(self.body)


class Refused(Exception):
    def __init__(self, code, remark):
        super().__init__(f"answer {code}: {remark}")
        self.code = code


def parse_properties(text):
    pairs = (pair.split(NAME_END, 1) for pair in text.split(PAIR_END) if pair)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def parse_records(data):
    """Messages in the form in which a broker stores them."""
    messages, at = [], 0
    while at < len(data):
        size, magic, _, queue, _, offset, physical, flags, born = struct.unpack_from(">iIIiiqqiq", data, at)
        end = at + size
        at += 48 + (20 if flags & BORN_V6 else 8)
        (stored,) = struct.unpack_from(">q", data, at)
        at += 8 + (20 if flags & STORE_V6 else 8)
        times, _, length = struct.unpack_from(">iqi", data, at)
        at += 16
        body = bytes(data[at:at + length])
        at += length
        topic_width = 2 if magic == MAGIC_V2 else 1
        at += topic_width + int.from_bytes(data[at:at + topic_width], "big")
        (length,) = struct.unpack_from(">H", data, at)
        text = bytes(data[at + 2:at + 2 + length]).decode()
        if flags & COMPRESSED:
            body = zlib.decompress(body)
        messages.append(StoredMessage(queue, offset, body, parse_properties(text), born, stored, times,
                                      physical))
        at = end
    return messages


class Wire:
    """One connection per server, one request at a time. Thread: one."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.connections = {}

    @property
    def broker(self):
        return f"127.0.0.1:{self.cluster.state['broker_port']}"

    def close(self):
        for connection in self.connections.values():
            connection.close()
        self.connections.clear()

    def ask(self, code, fields, body=b"", address=None, allowed=(0,)):
        """(code, fields, body) of the answer; a lost connection is made again once."""
        address = address or self.broker
        for attempt in (1, 2):
            try:
                answer = self._exchange(address, code, fields, body)
                break
            except OSError:
                if connection := self.connections.pop(address, None):
                    connection.close()
                if attempt == 2:
                    raise
        if answer[0] not in allowed:
            raise Refused(answer[0], answer[3])
        return answer[:3]

    def _exchange(self, address, code, fields, body):
        if address not in self.connections:
            host, _, port = address.rpartition(":")
            self.connections[address] = socket.create_connection((host, int(port)), timeout=150)
        connection = self.connections[address]
        header = json.dumps({"code": code, "language": "PYTHON", "version": 0, "opaque": 1, "flag": 0,
                             "extFields": {name: str(value) for name, value in fields.items()},
                             "serializeTypeCurrentRPC": "JSON"}).encode()
        connection.sendall(struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body)
        prefix = self._read(connection, 8)
        length, header_length = struct.unpack(">II", prefix)
        header_length &= 0xFFFFFF
        payload = self._read(connection, length - 4)
        answer = json.loads(payload[:header_length])
        return answer["code"], answer.get("extFields", {}), payload[header_length:], answer.get("remark")

    @staticmethod
    def _read(connection, size):
        data = b""
        while len(data) < size:
            piece = connection.recv(size - len(data))
            if not piece:
                raise ConnectionError("connection closed")
            data += piece
        return data

    def queues(self, topic):
        """Number of queues that can be read."""
        _, _, body = self.ask(ROUTE, {"topic": topic}, address=self.cluster.namesrv)
        text = body.decode()
        at = text.index('"readQueueNums":') + len('"readQueueNums":')
        return int("".join(c for c in text[at:at + 8].split(",")[0] if c.isdigit()))

    def send(self, topic, body, queue=0, tags=None, keys=None, properties=None):
        """Stores one message; returns its offset."""
        pairs = dict(properties or {})
        if tags is not None:
            pairs["TAGS"] = tags
        if keys is not None:
            pairs["KEYS"] = keys
        text = "".join(name + NAME_END + value + PAIR_END for name, value in pairs.items())
        body = body.encode() if isinstance(body, str) else body
        fields = {"producerGroup": "wire", "topic": topic,
                  "defaultTopic": "TBW102", "defaultTopicQueueNums": 4, "queueId": queue, "sysFlag": 0,
                  "bornTimestamp": 1_700_000_000_123, "flag": 0, "properties": text,
                  "reconsumeTimes": 0, "unitMode": "false", "batch": "false"}
        for _ in range(1000):
            code, answer, _ = self.ask(SEND, fields, body, allowed=(0, BUSY))
            if code == 0:
                return int(answer["queueOffset"])
            time.sleep(0.1)  # the broker dropped it before it was looked at
        raise Refused(code, "the broker stayed busy")

    def give_up(self, group, topic, message):
        """What a member of the group does after its last try: the broker stores the dead letter."""
        self.ask(SEND_BACK, {"offset": message.physical, "group": group, "delayLevel": -1, "originMsgId": "",
                             "originTopic": topic, "unitMode": "false", "maxReconsumeTimes": 16})

    def max_offset(self, topic, queue):
        return int(self.ask(MAX_OFFSET, {"topic": topic, "queueId": queue})[1]["offset"])

    def min_offset(self, topic, queue):
        return int(self.ask(MIN_OFFSET, {"topic": topic, "queueId": queue})[1]["offset"])

    def count(self, topic):
        """Messages of the topic, by the ends of its queues."""
        return sum(self.max_offset(topic, queue) for queue in range(self.queues(topic)))

    def group_offset(self, group, topic, queue):
        """None when the group has no offset there."""
        fields = {"consumerGroup": group, "topic": topic, "queueId": queue, "setZeroIfNotFound": "false"}
        code, answer, _ = self.ask(QUERY_OFFSET, fields, allowed=(0, NO_OFFSET))
        return int(answer["offset"]) if code == 0 else None

    def set_group_offset(self, group, topic, queue, offset):
        self._pull(group, topic, queue, offset)  # brokers 5.x know a group from its first pull on
        self.ask(UPDATE_OFFSET, {"consumerGroup": group, "topic": topic, "queueId": queue,
                                 "commitOffset": offset})

    def _pull(self, group, topic, queue, offset):
        fields = {"consumerGroup": group, "topic": topic, "queueId": queue, "queueOffset": offset,
                  "maxMsgNums": 32, "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0,
                  "subscription": "*", "subVersion": 0, "expressionType": "TAG"}
        return self.ask(PULL, fields, allowed=(FOUND, NOTHING_NEW, 20, MOVED))

    def wait_for_dispatch(self, seconds=300):
        """Brokers acknowledge messages before they dispatch them to the queues that readers see."""
        deadline, end = time.monotonic() + seconds, None
        while True:
            code, _, body = self.ask(RUNTIME, {}, allowed=(0, NOT_SAMPLED))
            if code == 0:
                table = json.loads(body)["table"]
                stored = int(table["commitLogMaxOffset"])
                end = stored if end is None else end
                if stored - int(table["dispatchBehindBytes"]) >= end:
                    return
            if time.monotonic() > deadline:
                raise AssertionError(f"the broker did not dispatch what it had stored in {seconds} s")
            time.sleep(0.05)

    def messages(self, topic, queue=None):
        """All messages of a queue, or of the topic queue by queue, that were stored before the call."""
        self.wait_for_dispatch()
        found = []
        for each in range(self.queues(topic)) if queue is None else [queue]:
            offset, end = self.min_offset(topic, each), self.max_offset(topic, each)
            while offset < end:
                code, answer, body = self._pull("wire_reader", topic, each, offset)
                if code == FOUND:
                    found += [message for message in parse_records(body) if offset <= message.offset < end]
                offset = int(answer["nextBeginOffset"])
        return found
