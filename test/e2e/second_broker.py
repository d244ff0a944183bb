"""Another master beside that of a cluster that runs already."""
from harness import broker


class SecondBroker(broker.Cluster):
    """It registers at the name server of the first."""
    broker_name = "broker-b"

    def __init__(self, first):
        super().__init__(first.dir.with_name("second"), first.version, heap="256m", bound=True)
        self.state.update(namesrv=first.state["namesrv"], namesrv_port=first.state["namesrv_port"],
                          broker_port=broker.choose_ports()[1])

    def end(self):
        self.stop(kill=True, role="broker")
