"""What the integration tests share: a demo installation, a running hub, clients and cards."""
