"""The outside world in a box: simulators on loopback that speak the vendors' real protocols."""
