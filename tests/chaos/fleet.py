"""Several hubs on one database, each with a lane of its own, behind one address."""

from harness.hub import Hub

from balancer import Balancer
from world import World


class Fleet(World):
    """As a World, with hubs `hub-0`, `hub-1`, … behind HAProxy in place of the one hub."""

    def __init__(self, store, folder, seed, size=2):
        super().__init__(store, folder, seed)
        self.names = [f"hub-{lane}" for lane in range(size)]
        self.hubs = {}
        self.balancer = Balancer(folder, self.names)

    @property
    def port(self):
        return self.balancer.port

    def make_hub(self, lane, name=None):
        """A hub that nobody has started yet."""
        name = name or self.names[lane]
        words = ["--requests-per-second", 100_000, "--lane", lane, *self.store.hub_words()]
        return Hub(self.installation, self.folder / name, *words)

    def start(self, lane):
        name = self.names[lane]
        self.hubs[name] = self.make_hub(lane).start()
        self.balancer.add(name, self.hubs[name])

    def start_all(self):
        for lane in range(len(self.names)):
            self.start(lane)
        self.hub = self.hubs[self.names[0]]

    def roll(self, lane):
        """One hub is replaced by its next version while the others serve."""
        name = self.names[lane]
        self.balancer.take_out(name)
        assert self.hubs[name].stop() == 0, self.hubs[name].log_text()[-2000:]
        self.start(lane)
        self.hub = self.hubs[self.names[0]]

    def close(self):
        for hub in self.hubs.values():
            if hub.process.poll() is None:
                hub.stop()
        self.balancer.stop()
        self.store.stop()
