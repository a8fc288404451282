//! How to say no in every type: an error where there is room for one, preferably the one that says so, else nothing,
//! zero, or a handle with nothing behind it.

use wasmtime::{
    StoreContextMut,
    component::{Val, types::Type},
};

use super::{handle, handles::NOTHING};

/// How errors are called that mean no, the best first.
const NO: [&str; 8] = [
    "access-denied",
    "access",
    "not-permitted",
    "HTTP-request-denied",
    "closed",
    "not-supported",
    "unsupported",
    "internal-error",
];

/// The answer of a function with this result.
pub(super) fn answer<T: 'static>(store: &mut StoreContextMut<'_, T>, kind: &Type) -> wasmtime::Result<Val> {
    Ok(match kind {
        Type::Bool => Val::Bool(false),
        Type::S8 => Val::S8(0),
        Type::U8 => Val::U8(0),
        Type::S16 => Val::S16(0),
        Type::U16 => Val::U16(0),
        Type::S32 => Val::S32(0),
        Type::U32 => Val::U32(0),
        Type::S64 => Val::S64(0),
        Type::U64 => Val::U64(0),
        Type::Float32 => Val::Float32(0.0),
        Type::Float64 => Val::Float64(0.0),
        Type::Char => Val::Char('\0'),
        Type::String => Val::String(String::new()),
        Type::List(_) => Val::List(Vec::new()),
        Type::Map(_) => Val::Map(Vec::new()),
        Type::Option(_) => Val::Option(None),
        Type::Flags(_) => Val::Flags(Vec::new()),
        Type::Own(_) => handle(store, NOTHING)?,
        Type::Record(record) => {
            let fields = record.fields().map(|field| Ok((field.name.to_owned(), answer(store, &field.ty)?)));
            Val::Record(fields.collect::<wasmtime::Result<_>>()?)
        }
        Type::Tuple(tuple) => {
            Val::Tuple(tuple.types().map(|kind| answer(store, &kind)).collect::<wasmtime::Result<_>>()?)
        }
        Type::Enum(choices) => {
            let names: Vec<&str> = choices.names().collect();
            Val::Enum(best(&names).to_owned())
        }
        Type::Variant(variant) => {
            let cases: Vec<_> = variant.cases().collect();
            let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
            let name = best(&names);
            let inner = cases.iter().find(|case| case.name == name).and_then(|case| case.ty.clone());
            let inner = inner.map(|kind| answer(store, &kind)).transpose()?;
            Val::Variant(name.to_owned(), inner.map(Box::new))
        }
        Type::Result(result) => {
            let error = result.err().map(|kind| answer(store, &kind)).transpose()?;
            Val::Result(Err(error.map(Box::new)))
        }
        other => wasmtime::bail!("WASI has no answer of the type {other:?} here"),
    })
}

/// Of several names the one that says no best.
fn best<'a>(names: &[&'a str]) -> &'a str {
    let no = NO.iter().find_map(|no| names.iter().find(|name| *name == no));
    no.or(names.first()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_errors_the_one_that_says_no_is_chosen() {
        assert_eq!(best(&["would-block", "not-permitted", "access"]), "access");
        assert_eq!(best(&["unknown", "access-denied"]), "access-denied");
        assert_eq!(best(&["last-operation-failed", "closed"]), "closed");
        assert_eq!(best(&["DNS-timeout", "HTTP-request-denied"]), "HTTP-request-denied");
        assert_eq!(best(&["one", "two"]), "one");
    }
}
