// Package top shows what a daemon does as it does it, to a person at a terminal: its
// sessions, how fast each is, and what their chunks spend their time on.
package top
