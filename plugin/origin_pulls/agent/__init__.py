"""The service (root): takes wishes from its socket, works, and does its chores."""
