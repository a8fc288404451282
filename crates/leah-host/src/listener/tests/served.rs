//! Tests of a host with plugins as it is reached through its socket: answers, endless loops that somebody no longer
//! waits for, and deploys whose connection ends.

use std::time::Instant;

use leah_plugin::message::{
    Answer, Call, Committed, Event, FaultCode, HookCall, HookEvent, Notice, Outcome, Prepare, Prepared,
    ToolList, Verdict,
};
use leah_socket::{Client, ClientError};

use super::*;
use crate::test_home::{TestHome, TestPlugin, message};

/// A host with plugins that may run on until somebody ends them.
struct Served {
    server: Server,
    home: TestHome,
}

impl Served {
    fn new(plugins: &[TestPlugin]) -> Self {
        let home = TestHome::with(plugins);
        let mut config = home.config();
        config.limits.guest_time = TIME;
        config.limits.start_time = TIME;
        config.limits.start_call_time = TIME;
        config.limits.instances = 1;
        let host = Host::start(config).unwrap();
        let server = Server::start(host, TIME, &home.layout().socket(None, home.layout().home())).unwrap();
        Self { server, home }
    }

    fn client(&self) -> Client {
        let mut client = Client::connect(self.server.socket()).unwrap().unwrap();
        client.hello("test 1", TIME).unwrap();
        client
    }

    /// The ends of a connection that was greeted, to write lines on.
    fn ends(&self) -> (Reader, Writer) {
        let (mut reader, writer) = connect(self.server.socket(), TIME).unwrap().unwrap();
        let hello = r#"{"jsonrpc":"2.0","id":0,"method":"hello","params":{"protocol":1,"client":"test 1"}}"#;
        writer.send(format!("{hello}\n").as_bytes()).unwrap();
        assert!(line(&mut reader).contains("result"));
        (reader, writer)
    }

    fn generation(&self) -> Option<u64> {
        self.client().hello("test 1", TIME).unwrap().generation
    }

    fn step(&self, step: fn(Prepare) -> Call, number: u64) -> Call {
        step(self.home.wanted(number))
    }
}

fn line(reader: &mut Reader) -> String {
    let Line::Whole(line) = reader.next(Wait::Whole(TIME)).unwrap() else { panic!("the connection ended") };
    std::str::from_utf8(line).unwrap().trim_end().to_owned()
}

fn chat(content: &str) -> Call {
    Call::HooksCall(HookCall { event: message(content), deadline_ms: None })
}

/// A call of a hook that never ends by itself, as request 1.
fn endless() -> Vec<u8> {
    leah_plugin::message::write_request(&Id::Number(1), &chat("now")).unwrap()
}

#[track_caller]
fn code<T: std::fmt::Debug>(result: Result<T, ClientError>) -> FaultCode {
    match result {
        Err(ClientError::Fault(fault)) => fault.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hook_and_its_plugins_are_reached_through_the_socket() {
    let served = Served::new(&[TestPlugin::good("one"), TestPlugin::good("two")]);
    let mut client = served.client();
    let outcome: Outcome = client.call(&chat("hi"), TIME).unwrap();
    assert_eq!(outcome.verdict, Verdict::Replace { content: "two: one: hi".into() });
    assert_eq!(client.call::<ToolList>(&Call::ToolsList, TIME).unwrap().tools.len(), 4);
    let answer = Answer {
        conversation: String::new(),
        prompt: String::new(),
        model: String::new(),
        content: "ho".into(),
        meta: [].into(),
    };
    let event = HookEvent::OnBeforeResponse(answer);
    let outcome: Outcome =
        client.call(&Call::HooksCall(HookCall { event, deadline_ms: None }), TIME).unwrap();
    assert_eq!(outcome.verdict, Verdict::Replace { content: "ho (one) (two)".into() });
}

#[test]
fn an_endless_loop_ends_when_it_is_cancelled_and_holds_up_nothing_else() {
    let served = Served::new(&[TestPlugin::fault("spinner", "loop")]);
    let (mut reader, writer) = served.ends();
    writer.send(&endless()).unwrap();
    writer.send(format!("{}\n", super::LIST).as_bytes()).unwrap();
    assert!(line(&mut reader).starts_with(r#"{"jsonrpc":"2.0","id":2,"result""#));
    writer.send(format!("{}\n", super::CANCEL).as_bytes()).unwrap();
    assert_eq!(line(&mut reader), super::CANCELLED);
}

#[test]
fn an_endless_loop_ends_at_the_deadline_of_its_call() {
    let served = Served::new(&[TestPlugin::fault("spinner", "loop")]);
    let call = Call::HooksCall(HookCall { event: message("now"), deadline_ms: Some(20) });
    let began = Instant::now();
    assert_eq!(code(served.client().call::<Outcome>(&call, TIME)), FaultCode::Deadline);
    // Far below what the plugin may run, far above what a loaded machine needs.
    assert!(began.elapsed() < TIME / 2);
}

#[test]
fn an_endless_loop_ends_with_the_connection_that_asked_for_it() {
    let served = Served::new(&[TestPlugin::fault("spinner", "loop")]);
    let (reader, writer) = served.ends();
    writer.send(&endless()).unwrap();
    // Read behind the call, so that it is under way when the connection ends.
    let mut reader = reader;
    writer.send(format!("{}\n", super::LIST).as_bytes()).unwrap();
    assert!(line(&mut reader).starts_with(r#"{"jsonrpc":"2.0","id":2,"#));
    drop((reader, writer));
    // There is one instance: whoever gets it knows that the loop has ended.
    let outcome: Outcome = served.client().call(&chat("hi"), TIME).unwrap();
    assert_eq!(outcome.verdict, Verdict::Pass);
}

#[test]
fn a_generation_is_tried_switched_to_and_told() {
    let served = Served::new(&[TestPlugin::good("one")]);
    served.home.write(2, &[TestPlugin::good("one").version("1.1.0"), TestPlugin::good("two")]);
    let mut listener = served.client();
    listener.call::<leah_plugin::message::Done>(&Call::EventsSubscribe, TIME).unwrap();
    let mut client = served.client();
    let ready: Prepared = client.call(&served.step(Call::Prepare, 2), TIME).unwrap();
    assert_eq!(ready, Prepared::Ready { needs_settings: Vec::new() });
    // One at a time, and each on its own connection; not live, it is not switched to.
    assert_eq!(code(listener.call::<Prepared>(&served.step(Call::Prepare, 2), TIME)), FaultCode::Busy);
    assert_eq!(code(listener.call::<Committed>(&served.step(Call::Commit, 2), TIME)), FaultCode::NotPrepared);
    served.home.make_live(2);
    let committed: Committed = client.call(&served.step(Call::Commit, 2), TIME).unwrap();
    assert_eq!(committed, Committed::default());
    assert_eq!(served.generation(), Some(2));
    loop {
        match listener.next_notice(Some(TIME)).unwrap() {
            Some(Notice::Event(Event::Live { generation, .. })) => break assert_eq!(generation, 2),
            Some(_) => {}
            None => panic!("nothing was told"),
        }
    }
}

#[test]
fn what_was_tried_goes_with_its_connection_unless_it_is_live_by_then() {
    let served = Served::new(&[TestPlugin::good("one")]);
    served.home.write(2, &[TestPlugin::good("two")]);
    let mut client = served.client();
    client.call::<Prepared>(&served.step(Call::Prepare, 2), TIME).unwrap();
    drop(client);
    // The host hears of the end in its own time, and takes the next one then.
    let mut client = served.client();
    let began = Instant::now();
    while let Err(error) = client.call::<Prepared>(&served.step(Call::Prepare, 2), TIME) {
        assert_eq!(code(Err::<(), _>(error)), FaultCode::Busy);
        assert!(began.elapsed() < TIME, "the generation is still tried");
    }
    assert_eq!(served.generation(), Some(1));
    served.home.make_live(2);
    drop(client);
    while served.generation() != Some(2) {
        assert!(began.elapsed() < TIME, "the live generation is not switched to");
    }
}

#[test]
fn a_prepare_that_hangs_is_cancelled_and_changes_nothing() {
    let served = Served::new(&[TestPlugin::good("one")]);
    served.home.write(2, &[TestPlugin::good("one"), TestPlugin::fault("stuck", "slow-start")]);
    let (mut reader, writer) = served.ends();
    let prepare =
        leah_plugin::message::write_request(&Id::Number(1), &served.step(Call::Prepare, 2)).unwrap();
    writer.send(&prepare).unwrap();
    writer.send(format!("{}\n", super::CANCEL).as_bytes()).unwrap();
    assert_eq!(line(&mut reader), super::CANCELLED);
    // Another one can be tried, with a deadline that it does not keep either.
    let wanted = Prepare { deadline_ms: Some(20), ..served.home.wanted(2) };
    assert_eq!(code(served.client().call::<Prepared>(&Call::Prepare(wanted), TIME)), FaultCode::Deadline);
    let outcome: Outcome = served.client().call(&chat("hi"), TIME).unwrap();
    assert_eq!(outcome.verdict, Verdict::Replace { content: "one: hi".into() });
}

#[test]
fn a_host_that_is_stopped_waits_for_no_endless_loop() {
    let served = Served::new(&[TestPlugin::fault("spinner", "loop")]);
    let (mut reader, writer) = served.ends();
    writer.send(&endless()).unwrap();
    writer.send(format!("{}\n", super::LIST).as_bytes()).unwrap();
    assert!(line(&mut reader).starts_with(r#"{"jsonrpc":"2.0","id":2,"#));
    let began = Instant::now();
    let host = served.server.shared.host.clone();
    drop(served.server);
    host.stop();
    // Far below what the plugin may run.
    assert!(began.elapsed() < TIME / 2);
    // What the call answered was written, or the connection was cut before.
    while let Ok(Line::Whole(line)) = reader.next(Wait::Whole(TIME)) {
        assert!(line.starts_with(br#"{"jsonrpc":"2.0","id":1,"error""#));
    }
}
