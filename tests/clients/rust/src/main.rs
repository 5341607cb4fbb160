//! sign MODULE FILE SIGNATURE: signs a file with the card in the first reader
//! that has one. The PIN is a line of standard input.

use cryptoki::context::{CInitializeArgs, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use std::error::Error;

fn sign(module: &str, pin: &str, message: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let pkcs11 = Pkcs11::new(module)?;
    pkcs11.initialize(CInitializeArgs::OsThreads)?;
    let slots = pkcs11.get_slots_with_token()?;
    let slot = slots.first().ok_or("no card is in a reader")?;
    let session = pkcs11.open_ro_session(*slot)?;
    session.login(UserType::User, Some(&AuthPin::new(pin.into())))?;
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Id(b"SIGN".to_vec()),
    ];
    let keys = session.find_objects(&template)?;
    let key = keys.first().ok_or("the card has no signing key")?;
    Ok(session.sign(&Mechanism::Sha256RsaPkcs, *key, message)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut pin = String::new();
    std::io::stdin().read_line(&mut pin)?;
    let message = std::fs::read(&arguments[2])?;
    let signature = sign(&arguments[1], pin.trim_end(), &message)?;
    std::fs::write(&arguments[3], signature)?;
    Ok(())
}
