package server

import "google.golang.org/grpc"

// ToStatus is toStatus, for the test that a fault survives the way to a client.
var ToStatus = toStatus

// Services is what gRPC serves.
func (s *Server) Services() map[string]grpc.ServiceInfo { return s.grpc.GetServiceInfo() }
