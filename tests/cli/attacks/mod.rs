//! The attacks that docs/security.md speaks of, each as a test that bears its name: which exit code, which
//! sentence, and nothing left behind.

mod keys;
