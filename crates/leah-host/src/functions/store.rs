//! `store`: keys and values that last, in a database of the plugin's own. A change is on disk when it is answered.

use redb::{Database, ReadableDatabase, ReadableTable, TableError, WriteTransaction};

use super::{Caller, Door};
use crate::{
    bindings::leah::plugin::{store::Host, types::Error},
    services::disk::{COST, COSTS, Disk, DiskError, PER_KEY, Share, VALUES},
};

/// Longest key in bytes.
const KEY: usize = 256;

/// Most bytes of all keys in one list.
const LIST: usize = 8 << 20;

/// What a key is to become.
enum Change<'a> {
    Set(&'a [u8]),
    SetIf { expected: Option<&'a [u8]>, value: &'a [u8] },
    Delete,
}

/// What became of a change.
enum Changed {
    Done,
    NotAsExpected,
    NoRoom,
}

impl Host for Caller<'_> {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, Error> {
        self.enter(Door::Store)?;
        check_key(&key)?;
        self.read(|database| get(database, &key))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.change(&key, &Change::Set(&value)).map(drop)
    }

    fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<bool, Error> {
        self.change(&key, &Change::SetIf { expected: expected.as_deref(), value: &value })
    }

    fn delete(&mut self, key: String) -> Result<(), Error> {
        self.change(&key, &Change::Delete).map(drop)
    }

    fn list_keys(&mut self, prefix: String) -> Result<Vec<String>, Error> {
        self.enter(Door::Store)?;
        self.read(|database| list(database, &prefix))?.ok_or(Error::TooLarge)
    }
}

impl Caller<'_> {
    /// Reads beside those who write: they are waited for only where the database has to be opened.
    fn read<T: Default>(&self, read: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        let opened = self.kept().disk().database();
        let Some(database) = opened.map_err(|error| self.disk_failed(&error))? else {
            return Ok(T::default());
        };
        let found = read(&database);
        found.map_err(|error| self.disk_failed(&self.kept().disk().failed(error)))
    }

    /// True unless the value was not the expected one.
    fn change(&self, key: &str, change: &Change<'_>) -> Result<bool, Error> {
        self.enter(Door::Store)?;
        check_key(key)?;
        self.control.going_slow();
        let changed = apply(&mut self.kept().disk(), key, change, self.plugin.limits.disk);
        match changed.map_err(|error| self.disk_failed(&error))? {
            Changed::Done => Ok(true),
            Changed::NotAsExpected => Ok(false),
            Changed::NoRoom => Err(Error::TooLarge),
        }
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if (1..=KEY).contains(&key.len()) {
        Ok(())
    } else {
        Err(Error::Invalid(format!("a key has 1 to {KEY} bytes, this one has {}", key.len())))
    }
}

fn get(database: &Database, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    match database.begin_read()?.open_table(VALUES) {
        Ok(values) => Ok(values.get(key)?.map(|value| value.value().to_vec())),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// None where that would be too many. The order of the table is that of the bytes.
fn list(database: &Database, prefix: &str) -> Result<Listed, redb::Error> {
    let values = match database.begin_read()?.open_table(VALUES) {
        Ok(values) => values,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Listed::default()),
        Err(error) => return Err(error.into()),
    };
    let (mut keys, mut bytes) = (Vec::new(), 0);
    for entry in values.range(prefix..)? {
        let (key, _) = entry?;
        let key = key.value();
        if !key.starts_with(prefix) {
            break;
        }
        bytes += key.len();
        if bytes > LIST {
            return Ok(Listed(None));
        }
        keys.push(key.to_owned());
    }
    Ok(Listed(Some(keys)))
}

/// Keys, or none where that would be too many.
struct Listed(Option<Vec<String>>);

impl Default for Listed {
    fn default() -> Self {
        Self(Some(Vec::new()))
    }
}

impl Listed {
    fn ok_or(self, error: Error) -> Result<Vec<String>, Error> {
        self.0.ok_or(error)
    }
}

fn apply(disk: &mut Disk, key: &str, change: &Change<'_>, limit: u64) -> Result<Changed, DiskError> {
    let database = disk.database_to_write()?;
    let transaction = database.begin_write().map_err(|error| disk.failed(error))?;
    let before = present(&transaction, key).map_err(|error| disk.failed(error))?;
    let after = match change {
        Change::SetIf { expected, .. } if *expected != before.as_deref() => {
            return Ok(Changed::NotAsExpected);
        }
        Change::Set(value) | Change::SetIf { value, .. } => Some(*value),
        Change::Delete => None,
    };
    let cost = |value: Option<&[u8]>| value.map_or(0, |value| (key.len() + value.len()) as u64 + PER_KEY);
    let (old, new) = (cost(before.as_deref()), cost(after));
    if new > old && !disk.has_room(new - old, limit)? {
        return Ok(Changed::NoRoom);
    }
    commit(transaction, key, after, (old, new)).map_err(|error| disk.failed(error))?;
    disk.changed(Share::Store, old, new);
    Ok(Changed::Done)
}

fn present(transaction: &WriteTransaction, key: &str) -> Result<Option<Vec<u8>>, redb::Error> {
    let values = transaction.open_table(VALUES)?;
    Ok(values.get(key)?.map(|value| value.value().to_vec()))
}

/// The value and what all values cost change together, so that no crash comes between.
fn commit(
    transaction: WriteTransaction,
    key: &str,
    value: Option<&[u8]>,
    (old, new): (u64, u64),
) -> Result<(), redb::Error> {
    {
        let mut values = transaction.open_table(VALUES)?;
        match value {
            Some(value) => drop(values.insert(key, value)?),
            None => drop(values.remove(key)?),
        }
        let mut costs = transaction.open_table(COSTS)?;
        let cost = costs.get(COST)?.map_or(0, |cost| cost.value());
        costs.insert(COST, cost.saturating_add(new).saturating_sub(old))?;
    }
    Ok(transaction.commit()?)
}
