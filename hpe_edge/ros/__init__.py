"""ROS 1 and 2 without a ROS install: messages, a node that speaks DDS, recorded bags (docs/ROBOTS.md)."""
