//! The `leahpm` binary: nothing but the door to the library.

fn main() -> std::process::ExitCode {
    leahpm::cli::main()
}
