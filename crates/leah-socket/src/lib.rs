//! The local socket between the host and those who talk to it: who is at the other end, one message a line within
//! limits of size and time, and a client that asks and waits. It knows no plugin.
