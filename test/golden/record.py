#!/usr/bin/env python3
"""Records answers of a real name server and broker as files of whole frames.

usage: record.py NAME_SERVER DIRECTORY      (a fresh cluster: `./dev broker start --version V`)

Shares no code with the client that reads the files. One file per answer: DIRECTORY/NAME.frame.
"""
import json
import socket
import struct
import sys
import time
import zlib
from pathlib import Path

GROUP = "golden_group"
TOPIC = "Golden"
EMPTY = "GoldenEmpty"


def call(address, code, fields=None, body=b"", version=399):
    header = {"code": code, "language": "CPP", "version": version, "opaque": 7, "flag": 0,
              "extFields": {k: str(v) for k, v in (fields or {}).items()}}
    encoded = json.dumps(header).encode()
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">II", 4 + len(encoded) + len(body), len(encoded)) + encoded + body)
        stream = connection.makefile("rb")
        prefix = stream.read(4)
        frame = prefix + stream.read(struct.unpack(">I", prefix)[0])
    header_length = struct.unpack(">I", frame[4:8])[0] & 0xFFFFFF
    return frame, json.loads(frame[8:8 + header_length]), frame[8 + header_length:]


class Recorder:
    def __init__(self, name_server, directory):
        self.name_server = name_server
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        _, _, body = call(name_server, 105, {"topic": "TBW102", "acceptStandardJsonOnly": "true"})
        data = json.loads(body)["brokerDatas"][0]
        self.broker = data["brokerAddrs"]["0"]
        self.broker_name = data["brokerName"]

    def keep(self, name, address, code, fields=None, body=b""):
        frame, header, answer = call(address, code, fields, body)
        (self.directory / f"{name}.frame").write_bytes(frame)
        print(f"{name:28} code {header['code']:4} {str(header.get('remark'))[:60]:60} "
              f"{json.dumps(header.get('extFields', {}))[:230]} body {len(answer)}")
        return header, answer

    def send(self, name, queue, properties, body, **changes):
        fields = {"a": "golden_producer", "b": TOPIC, "c": "TBW102", "d": 4, "e": queue, "f": 0,
                  "g": 1700000000000, "h": 0, "i": properties, "j": 0, "k": "false", "m": "false",
                  "n": self.broker_name}
        code = changes.pop("code", 310)
        fields.update(changes)
        return self.keep(name, self.broker, code, fields, body)

    def pull(self, name, offset, topic=TOPIC, queue=0, subscription="*", kind="TAG", suspend=0):
        return self.keep(name, self.broker, 11, {
            "consumerGroup": GROUP, "topic": topic, "queueId": queue, "queueOffset": offset, "maxMsgNums": 32,
            "sysFlag": 6 if suspend else 4, "commitOffset": 0, "suspendTimeoutMillis": suspend,
            "subscription": subscription, "subVersion": 0, "expressionType": kind, "bname": self.broker_name})

    def create(self, topic):
        return {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": 2, "writeQueueNums": 2, "perm": 6,
                "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"}


def properties(**pairs):
    return "".join(f"{k}\x01{v}\x02" for k, v in pairs.items())


def batch_entry(body, props):
    encoded = props.encode()
    return (struct.pack(">iiiii", 22 + len(body) + len(encoded), 0, 0, 0, len(body)) + body
            + struct.pack(">h", len(encoded)) + encoded)


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("the broker did not get there within 20 s")
        time.sleep(0.05)


def record_topics(r):
    r.keep("topic_create", r.broker, 17, r.create(TOPIC))
    r.keep("topic_create_empty", r.broker, 17, r.create(EMPTY))
    wait_until(lambda: call(r.name_server, 105, {"topic": EMPTY})[1]["code"] == 0)
    r.keep("route_standard", r.name_server, 105, {"topic": TOPIC, "acceptStandardJsonOnly": "true"})
    r.keep("route_plain", r.name_server, 105, {"topic": TOPIC})
    r.keep("route_absent", r.name_server, 105, {"topic": "NoSuchTopic", "acceptStandardJsonOnly": "true"})
    r.keep("cluster", r.name_server, 106)
    r.keep("topic_list", r.name_server, 206)
    r.keep("topic_config", r.broker, 351, {"topic": TOPIC})
    r.keep("topic_config_all", r.broker, 21)


def record_sends(r):
    r.send("send_tag_a", 0,
           properties(TAGS="tagA", KEYS="k1 k2", UNIQ_KEY="0A" * 16, a="5", WAIT="true"), b"first")
    r.send("send_tag_unicode", 0, properties(TAGS="订单", UNIQ_KEY="0B" * 16, a="7"), "zweite ✓".encode())
    r.send("send_zlib", 0, properties(UNIQ_KEY="0C" * 16), zlib.compress(b"compressed " * 100), f=0x1)
    entries = b"".join(batch_entry(b"batch %d" % i, properties(UNIQ_KEY=f"{i:02d}" * 16, TAGS="tagA"))
                       for i in range(3))
    r.send("send_batch", 0, "", entries, code=320, m="true")
    r.send("send_no_body", 1, properties(UNIQ_KEY="0D" * 16), b"")
    r.send("send_topic_illegal", 0, "", b"x", b="a$b")
    r.send("send_too_big", 0, "", b"x" * (4 * 1024 * 1024 + 1))


def record_offsets(r):
    queue = {"topic": TOPIC, "queueId": 0, "bname": r.broker_name}
    r.keep("max_offset", r.broker, 30, {**queue, "committed": "true"})
    r.keep("max_offset_appended", r.broker, 30, {**queue, "committed": "false"})
    r.keep("max_offset_absent", r.broker, 30, {"topic": "NoSuchTopic", "queueId": 0})
    r.keep("min_offset", r.broker, 31, queue)
    r.keep("earliest_time", r.broker, 32, queue)
    r.keep("search_before", r.broker, 29, {**queue, "timestamp": 1, "boundaryType": "lower"})
    r.keep("search_after", r.broker, 29, {**queue, "timestamp": 4000000000000, "boundaryType": "lower"})
    group = {**queue, "consumerGroup": GROUP}
    r.keep("query_offset_absent", r.broker, 14, {**group, "setZeroIfNotFound": "false"})
    r.keep("query_offset_absent_plain", r.broker, 14, group)
    r.keep("update_offset", r.broker, 15, {**group, "commitOffset": 2})
    r.keep("query_offset", r.broker, 14, {**group, "setZeroIfNotFound": "false"})


def record_pulls(r):
    r.keep("group_create", r.broker, 200, {}, json.dumps({
        "groupName": GROUP, "consumeEnable": True, "consumeFromMinEnable": True,
        "consumeBroadcastEnable": True, "retryQueueNums": 1,
        "retryMaxTimes": 16, "brokerId": 0, "whichBrokerWhenConsumeSlowly": 1}).encode())
    wait_until(lambda: pull_ready(r))
    r.pull("pull_found", 0)
    r.pull("pull_tag", 0, subscription="tagA")
    r.pull("pull_tag_none", 0, subscription="nothing")
    r.pull("pull_sql", 0, subscription="a > 6", kind="SQL92")
    r.pull("pull_sql_bad", 0, subscription="a >", kind="SQL92")
    r.pull("pull_at_max", 6)
    r.pull("pull_at_max_suspended", 6, suspend=200)
    r.pull("pull_beyond_max", 9)
    r.pull("pull_empty_at_zero", 0, topic=EMPTY)
    r.pull("pull_empty_beyond", 5, topic=EMPTY)
    r.pull("pull_queue_absent", 0, queue=9)
    r.pull("pull_topic_absent", 0, topic="NoSuchTopic")


def pull_ready(r):
    """The consume queue is built a moment after a send was answered."""
    _, header, _ = call(r.broker, 11, {
        "consumerGroup": GROUP, "topic": TOPIC, "queueId": 0, "queueOffset": 5, "maxMsgNums": 1,
        "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0, "subscription": "*", "subVersion": 0,
        "bname": r.broker_name})
    return header["code"] == 0


def record_statistics(r):
    r.keep("topic_stats", r.broker, 202, {"topic": TOPIC})
    r.keep("topic_stats_empty", r.broker, 202, {"topic": EMPTY})
    r.keep("consume_stats", r.broker, 208, {"consumerGroup": GROUP, "topic": TOPIC})
    r.keep("consumer_list_absent", r.broker, 38, {"consumerGroup": GROUP})
    r.keep("consumer_connections_absent", r.broker, 203, {"consumerGroup": GROUP})
    r.keep("heartbeat", r.broker, 34, {}, json.dumps({
        "clientID": "golden@1", "producerDataSet": [{"groupName": "golden_producer"}], "consumerDataSet": [],
        "heartbeatFingerprint": 0, "withoutSub": False}).encode())
    for name, text in (("filter_good", "a > 6"), ("filter_bad", "a >")):
        r.keep(name, r.broker, 46, {}, json.dumps({
            "clientId": "golden@1", "group": GROUP, "namespace": "", "subscriptionData": {
                "topic": TOPIC, "subString": text, "expressionType": "SQL92", "tagsSet": [], "codeSet": [],
                "subVersion": 0, "classFilterMode": False}}).encode())
    r.keep("runtime", r.broker, 28)
    query = {"topic": TOPIC, "key": "k2", "maxNum": 32, "beginTimestamp": 0, "endTimestamp": 4000000000000}
    wait_until(lambda: call(r.broker, 12, query)[1]["code"] == 0)
    r.keep("query_key", r.broker, 12, query)
    r.keep("query_unique_key", r.broker, 12, {**query, "key": "0B" * 16, "_UNIQUE_KEY_QUERY": "true"})
    r.keep("query_key_absent", r.broker, 12, {**query, "key": "none"})
    r.keep("view_by_id", r.broker, 33, {"offset": 0, "topic": TOPIC})
    r.keep("view_by_id_wrong", r.broker, 33, {"offset": 3, "topic": TOPIC})
    r.keep("unknown_request", r.broker, 31999)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    recorder = Recorder(sys.argv[1], sys.argv[2])
    record_topics(recorder)
    record_sends(recorder)
    record_pulls(recorder)
    record_offsets(recorder)
    record_statistics(recorder)


if __name__ == "__main__":
    main()
