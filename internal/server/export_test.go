package server

// ToStatus is toStatus, for the test that a fault survives the way to a client.
var ToStatus = toStatus
