//! Studies that wait for a person to match them.
