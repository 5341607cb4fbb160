// sign MODULE FILE SIGNATURE: signs a file with the card in the first reader
// that has one. The PIN is a line of standard input.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/miekg/pkcs11"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func signingKey(p *pkcs11.Ctx, session pkcs11.SessionHandle) (pkcs11.ObjectHandle, error) {
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_ID, []byte("SIGN")),
	}
	if err := p.FindObjectsInit(session, template); err != nil {
		return 0, err
	}
	defer p.FindObjectsFinal(session)
	found, _, err := p.FindObjects(session, 1)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("the card has no signing key")
	}
	if err != nil {
		return 0, err
	}
	return found[0], nil
}

func sign(p *pkcs11.Ctx, pin string, message []byte) ([]byte, error) {
	slots, err := p.GetSlotList(true)
	if err == nil && len(slots) == 0 {
		err = fmt.Errorf("no card is in a reader")
	}
	if err != nil {
		return nil, err
	}
	session, err := p.OpenSession(slots[0], pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return nil, err
	}
	defer p.CloseSession(session)
	if err := p.Login(session, pkcs11.CKU_USER, pin); err != nil {
		return nil, err
	}
	defer p.Logout(session)
	key, err := signingKey(p, session)
	if err != nil {
		return nil, err
	}
	mechanism := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_SHA256_RSA_PKCS, nil)}
	if err := p.SignInit(session, mechanism, key); err != nil {
		return nil, err
	}
	return p.Sign(session, message)
}

func main() {
	message, err := os.ReadFile(os.Args[2])
	check(err)
	pin, err := bufio.NewReader(os.Stdin).ReadString('\n')
	check(err)
	p := pkcs11.New(os.Args[1])
	if p == nil {
		check(fmt.Errorf("%s cannot be loaded", os.Args[1]))
	}
	check(p.Initialize())
	defer p.Destroy()
	defer p.Finalize()
	signature, err := sign(p, strings.TrimSpace(pin), message)
	check(err)
	check(os.WriteFile(os.Args[3], signature, 0o644))
}
