//! WASI 0.2 for those whose language brings it along: each function that a component imports is there and says no, by
//! its type. Clocks, random bytes, waiting and the standard outputs work, since they lead to nothing. No file, no
//! socket, no environment, whatever was granted: rights are for our own interfaces.

mod handles;
mod known;
mod no;

use std::borrow::Cow;

use wasmtime::{
    StoreContextMut,
    component::{
        Component, Linker, LinkerInstance, Resource, ResourceType, Val,
        types::{ComponentFunc, ComponentItem},
    },
};

pub(crate) use handles::Handles;

use crate::functions::Caller;
use known::Known;

/// What every handle of WASI stands for: nothing.
struct Nothing;

/// What a function finds in the store of who calls it.
struct Reach<T: 'static> {
    caller: for<'a> fn(&'a mut T) -> Caller<'a>,
    handles: for<'a> fn(&'a mut T) -> &'a mut Handles,
}

impl<T> Clone for Reach<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reach<T> {}

/// The linker with what `component` imports of WASI, in whichever 0.2 version; the same where it imports none.
///
/// # Errors
/// When something of the same name is there already.
pub(crate) fn linked<'l, T: 'static>(
    linker: &'l Linker<T>,
    component: &Component,
    caller: for<'a> fn(&'a mut T) -> Caller<'a>,
    handles: for<'a> fn(&'a mut T) -> &'a mut Handles,
) -> wasmtime::Result<Cow<'l, Linker<T>>> {
    let (engine, reach) = (component.engine(), Reach { caller, handles });
    let mut linker = Cow::Borrowed(linker);
    for (name, import) in component.component_type().imports(engine) {
        let Some(interface) = name.strip_prefix("wasi:") else { continue };
        let interface = interface.split('@').next().unwrap_or(interface);
        // What is none is left to the linker, which says that it is not there.
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        let mut into = linker.to_mut().instance(name)?;
        for (item, export) in instance.exports(engine) {
            add(&mut into, interface, item, &export.ty, reach)?;
        }
    }
    Ok(linker)
}

fn add<T: 'static>(
    into: &mut LinkerInstance<'_, T>,
    interface: &str,
    name: &str,
    item: &ComponentItem,
    reach: Reach<T>,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentFunc(function) if !function.async_() => {
            let known = Known::find(interface, name);
            into.func_new(name, move |store, function, arguments, answers| {
                call(store, reach, known, &function, arguments, answers)
            })
        }
        // One type for all: a component tells them apart by itself, and there is nothing behind any of them.
        ComponentItem::Resource(_) => {
            into.resource(name, ResourceType::host::<Nothing>(), move |mut store, number| {
                (reach.handles)(store.data_mut()).free(number);
                Ok(())
            })
        }
        _ => Ok(()),
    }
}

fn call<T: 'static>(
    mut store: StoreContextMut<'_, T>,
    reach: Reach<T>,
    known: Option<Known>,
    function: &ComponentFunc,
    arguments: &[Val],
    answers: &mut [Val],
) -> wasmtime::Result<()> {
    // Every handle is taken, also by functions that look at none: the engine keeps an account of them.
    let mut numbers = Vec::new();
    for argument in arguments {
        take(&mut store, argument, &mut numbers)?;
    }
    let answer =
        known.map(|known| known.answer(&mut store, reach, arguments, &numbers)).transpose()?.flatten();
    match (answer, answers) {
        (Some(answer), [slot]) => *slot = answer,
        (_, slots) => {
            for (slot, kind) in slots.iter_mut().zip(function.results()) {
                *slot = no::answer(&mut store, &kind)?;
            }
        }
    }
    Ok(())
}

/// Takes the handles that are in a value, and their numbers.
fn take<T: 'static>(
    store: &mut StoreContextMut<'_, T>,
    value: &Val,
    numbers: &mut Vec<u32>,
) -> wasmtime::Result<()> {
    match value {
        Val::Resource(handle) => {
            numbers.push(handle.try_into_resource::<Nothing>(store)?.rep());
            Ok(())
        }
        Val::List(items) | Val::Tuple(items) => {
            // A list of numbers, such as the bytes that are written, has none.
            if matches!(items.first(), Some(Val::U8(_))) {
                return Ok(());
            }
            items.iter().try_for_each(|item| take(store, item, numbers))
        }
        Val::Record(fields) => fields.iter().try_for_each(|(_, field)| take(store, field, numbers)),
        Val::Option(Some(inner)) | Val::Variant(_, Some(inner)) => take(store, inner, numbers),
        Val::Result(Ok(Some(inner)) | Err(Some(inner))) => take(store, inner, numbers),
        _ => Ok(()),
    }
}

/// A handle with this number.
fn handle<T: 'static>(store: &mut StoreContextMut<'_, T>, number: u32) -> wasmtime::Result<Val> {
    Ok(Val::Resource(Resource::<Nothing>::new_own(number).try_into_resource_any(store)?))
}

#[cfg(test)]
mod tests;
