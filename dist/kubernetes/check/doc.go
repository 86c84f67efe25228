// Package check has the tests of the chart and the manifests beside it. It is a module of its own: what
// it needs of Helm and Kubernetes is not to be among what the programs are made of.
package check
