//! What becomes of a call: through the chain of a hook, or to the plugin that has the tool. A plugin that does not answer
//! is left out, and nothing it did is seen.

use std::sync::Arc;

use leah_plugin::message::{
    Answer, ChatMessage, Meta, Outcome, Role, ToolAnswer, ToolCall, ToolResult, Verdict,
};
use serde_json::Value;

use super::{Member, Snapshot};
use crate::{
    bindings::leah::plugin::types::{self, Message, Response},
    capability::Rights,
    control::{Control, Interrupt},
    guest::{Failure, Instance},
    plugin::{Missed, Plugin},
};

/// What differs between the two hooks that may change a text.
struct Chain<T> {
    call: fn(&mut Instance, &T, &Arc<Control>) -> Result<types::Verdict, Failure>,
    content: fn(&mut T) -> &mut String,
    may_change: fn(&Rights) -> bool,
    change: &'static str,
}

impl Snapshot {
    /// Shows a message to the chain of `on_chat_message`.
    ///
    /// # Errors
    /// When nobody waits for it any more.
    pub(crate) fn chat_message(
        &self,
        message: ChatMessage,
        control: &Arc<Control>,
    ) -> Result<Outcome, Interrupt> {
        if self.chat_message.is_empty() {
            return Ok(passed());
        }
        let chain = Chain {
            call: Instance::chat_message,
            content: |message: &mut Message| &mut message.content,
            may_change: |rights| rights.modify_messages,
            change: "change a message",
        };
        let ChatMessage { conversation, role, content, meta } = message;
        let message = Message { conversation, role: self::role(role), content, meta: list(meta) };
        chain.run(&self.chat_message, message, control)
    }

    /// Shows an answer to the chain of `on_before_response`.
    ///
    /// # Errors
    /// When nobody waits for it any more.
    pub(crate) fn before_response(
        &self,
        answer: Answer,
        control: &Arc<Control>,
    ) -> Result<Outcome, Interrupt> {
        if self.before_response.is_empty() {
            return Ok(passed());
        }
        let chain = Chain {
            call: Instance::before_response,
            content: |response: &mut Response| &mut response.content,
            may_change: |rights| rights.modify_responses,
            change: "change an answer",
        };
        chain.run(&self.before_response, response(answer), control)
    }

    /// Shows an answer to those who observe, sometime soon.
    pub(crate) fn after_response(&self, answer: Answer) -> Outcome {
        if !self.after_response.is_empty() {
            let response = Arc::new(response(answer));
            for plugin in &self.after_response {
                plugin.observe(&response);
            }
        }
        passed()
    }

    /// Has a tool run by who declares it; what nobody declares is offered to all that may see it.
    ///
    /// # Errors
    /// When nobody waits for it any more.
    pub(crate) fn tool(&self, call: ToolCall, control: &Arc<Control>) -> Result<ToolAnswer, Interrupt> {
        let declared = self.tools.get(&call.name);
        let ToolCall { conversation, name, arguments, meta, .. } = call;
        let arguments = Value::Object(arguments).to_string();
        let call = types::ToolCall { conversation, name: name.into(), arguments, meta: list(meta) };
        let result = match declared {
            Some(member) => Some(run_declared(member, &call, control)?),
            None => self.offer(&call, control)?,
        };
        Ok(ToolAnswer { result })
    }

    fn offer(&self, call: &types::ToolCall, control: &Arc<Control>) -> Result<Option<ToolResult>, Interrupt> {
        for plugin in &self.any_tool {
            match plugin.call(control, |instance, control| instance.tool_call(call, control)) {
                Ok(Some(result)) => return Ok(Some(answered(plugin, result))),
                Ok(None) => {}
                Err(Missed::Interrupted(why)) => return Err(why),
                Err(_) if control.interrupt().is_some() => break,
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

impl<T> Chain<T> {
    fn run(
        &self,
        plugins: &[Arc<Plugin>],
        mut subject: T,
        control: &Arc<Control>,
    ) -> Result<Outcome, Interrupt> {
        let mut by = Vec::new();
        for plugin in plugins {
            match plugin.call(control, |instance, control| (self.call)(instance, &subject, control)) {
                Ok(types::Verdict::Pass) => {}
                Ok(_) if !(self.may_change)(&plugin.identity().rights) => plugin.overstep(self.change),
                Ok(types::Verdict::Replace(replacement)) => {
                    *(self.content)(&mut subject) = replacement.content;
                    by.push(plugin.name().clone());
                }
                Ok(types::Verdict::Reject(rejection)) => {
                    by.push(plugin.name().clone());
                    return Ok(Outcome { verdict: Verdict::Reject { reason: rejection.reason }, by });
                }
                Err(Missed::Interrupted(why)) => return Err(why),
                // It took all the time there was; for the others there is none left.
                Err(_) if control.interrupt().is_some() => break,
                Err(_) => {}
            }
        }
        if by.is_empty() {
            return Ok(passed());
        }
        let content = std::mem::take((self.content)(&mut subject));
        Ok(Outcome { verdict: Verdict::Replace { content }, by })
    }
}

/// The model is always told what became of a tool that it was offered.
fn run_declared(
    member: &Member,
    call: &types::ToolCall,
    control: &Arc<Control>,
) -> Result<ToolResult, Interrupt> {
    let failed = |why: String| ToolResult {
        plugin: member.name.clone(),
        content: format!("the tool `{}` did not run: {why}", call.name),
        failed: true,
        meta: Meta::new(),
    };
    let Some(plugin) = member.plugin() else {
        return Ok(failed(format!("the plugin `{}` is not running", member.name)));
    };
    match plugin.call(control, |instance, control| instance.tool_call(call, control)) {
        Ok(Some(result)) => Ok(answered(plugin, result)),
        Ok(None) => Ok(failed(format!("the plugin `{}` does not know it", member.name))),
        Err(Missed::Interrupted(why)) => Err(why),
        Err(missed) => Ok(failed(format!("the plugin `{}`: {missed}", member.name))),
    }
}

fn answered(plugin: &Plugin, result: types::ToolResult) -> ToolResult {
    let types::ToolResult { content, failed, meta } = result;
    ToolResult { plugin: plugin.name().clone(), content, failed, meta: meta.into_iter().collect() }
}

fn passed() -> Outcome {
    Outcome { verdict: Verdict::Pass, by: Vec::new() }
}

fn response(answer: Answer) -> Response {
    let Answer { conversation, prompt, model, content, meta } = answer;
    Response { conversation, prompt, model, content, meta: list(meta) }
}

fn role(role: Role) -> types::Role {
    match role {
        Role::System => types::Role::System,
        Role::User => types::Role::User,
        Role::Assistant => types::Role::Assistant,
        Role::Tool => types::Role::Tool,
    }
}

fn list(meta: Meta) -> Vec<(String, String)> {
    meta.into_iter().collect()
}
