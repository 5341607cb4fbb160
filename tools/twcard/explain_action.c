/* What to do about a code: few texts for many codes. */
#include "config.h"

#include "tools/twcard/explain_internal.h"
#include "tools/twcard/message.h"

static const char *const texts[ACTION_COUNT] = {
	[ACTION_CARD_IN] = N_("Put the card in, chip first. 'twcard status' shows whether it is "
		   "seen."),
	[ACTION_CARD_AGAIN] = N_("Take the card out, clean its contacts, put it in again and try "
		   "once more."),
	[ACTION_READER] = N_("Plug the reader in, perhaps at another USB port. 'twcard doctor' "
		   "looks into it."),
	[ACTION_SERVICE] = N_("Start the smart card service (pcscd; on Windows \"Smart Card\"). "
		   "'twcard doctor' looks into it."),
	[ACTION_SEE_CARD] = N_("Look with 'twcard status' whether reader and card are seen; take "
		   "the card out and put it in again."),
	[ACTION_PIN_AGAIN] = N_("Each wrong PIN costs a try, and three lock the card. Make sure of "
		   "the PIN before the next one; 'twcard status' shows the tries left "
		   "where the card tells them."),
	[ACTION_PIN_LENGTH] = N_("Type a PIN of 6 to 8 letters and digits, without blanks."),
	[ACTION_PIN_LOCKED] = N_("Try no more PINs. Unlock the card on the web site of the CA that "
		   "issued it, with its user code, or at its counter."),
	[ACTION_PIN_CHANGE] = N_("Set a PIN first, on the web site of the CA that issued the card."),
	[ACTION_LOGIN] = N_("Type the PIN first: the operation needs a login. If you did, "
		   "another program has ended it; try again."),
	[ACTION_RETRY] = N_("Try again. If it stays, start the program anew."),
	[ACTION_BUSY] = N_("End the other program that uses the card, or wait until it is "
		   "done."),
	[ACTION_RESTART] = N_("Restart the program, then the computer. If it stays, send its log "
		   "to the maker."),
	[ACTION_REPORT] = N_("That is a fault of the program, not of your card. Tell its maker, "
		   "with the log."),
	[ACTION_SITE] = N_("That is a fault of the web page, not of your card. Tell the "
		   "operators of the site."),
	[ACTION_COMPONENT] = N_("See that the site's component is installed and running, and "
		   "restart it."),
	[ACTION_REINSTALL] = N_("Remove the site's component and install its newest version, as "
		   "administrator."),
	[ACTION_CONNECT] = N_("See that the component runs and that nothing blocks its port; "
		   "import its CA certificate where the browser keeps its own "
		   "(Firefox does); use TLS 1.2."),
	[ACTION_TLS] = N_("Let the browser use TLS 1.2 or newer, and switch older versions "
		   "off."),
	[ACTION_PROXY] = N_("Except localhost and 127.0.0.1 from the proxy in the system's or "
		   "browser's settings."),
	[ACTION_SITE_ADDRESS] = N_("Open the site by its proper address. If you did, ask its "
		   "operators to have it admitted."),
	[ACTION_SITE_TRUST] = N_("If you trust the site, let the local service admit it (its page "
		   "/addDomain), then load the site anew."),
	[ACTION_TRIAL] = N_("Ask the maker of the component for a licensed version."),
	[ACTION_SUPPORT] = N_("Ask the support of the site or component, with its log."),
	[ACTION_RENEW] = N_("Renew the certificate at the CA that issued it, or apply for a "
		   "new one. 'twcard cert list' shows the dates."),
	[ACTION_CLOCK] = N_("See that the computer's date and time are right; otherwise wait "
		   "until the certificate becomes valid."),
	[ACTION_DATES] = N_("See that the computer's date and time are right; 'twcard cert "
		   "list' shows the certificate's dates."),
	[ACTION_REVOKED] = N_("The certificate stays revoked. Ask its CA, and apply for a new "
		   "one."),
	[ACTION_HOLD] = N_("Ask the CA whether and how the suspension can be lifted."),
	[ACTION_CERT_CHOICE] = N_("Choose the right certificate: the card has one for signing and "
		   "one for encryption ('twcard cert list')."),
	[ACTION_CERT_CHECK] = N_("'twcard cert check' says what is wrong with a certificate or its "
		   "chain."),
	[ACTION_CHAIN] = N_("Install the CA's certificates: they are on the card ('twcard cert "
		   "list --help'), and on the CA's web site."),
	[ACTION_CRL] = N_("Fetch the CA's current revocation list and check again; see that "
		   "the clock is right."),
	[ACTION_DATA] = N_("The data are damaged or of another kind than expected. Get or "
		   "make them anew."),
	[ACTION_KEY_MATCH] = N_("See that certificate, key and card belong together: the card that "
		   "signs must be the one with the certificate."),
	[ACTION_OTHER_WAY] = N_("Choose another mechanism, algorithm or program version; this one "
		   "is not offered."),
	[ACTION_MEMORY] = N_("Close programs, or restart the computer, and try again."),
	[ACTION_CANCELLED] = N_("Nothing was done. Begin again if that was not meant."),
	[ACTION_RIGHTS] = N_("Look at the rights of the file, device or program, and at who "
		   "runs it."),
	[ACTION_VISTA] = N_("Run the browser as administrator, or let the site's rights in it "
		   "be set as its manual says."),
	[ACTION_FILE] = N_("See that the file or folder exists, is named rightly and can be "
		   "read."),
	[ACTION_NETWORK] = N_("See that the network works and whether a proxy must be set; try "
		   "again later."),
	[ACTION_PASSWORD] = N_("Type user name and password again, with care."),
	[ACTION_CAPTCHA] = N_("Load the picture anew and type what it shows."),
	[ACTION_LOCAL] = N_("Use the component from a browser on the same computer."),
	[ACTION_FASTER] = N_("Try again and answer its questions sooner; the site's operators "
		   "can allow more time."),
	[ACTION_WAIT] = N_("Wait until it is done, then try again."),
	[ACTION_SECOND_CODE] = N_("Explain the second code, too (last_error): it says why."),
	[ACTION_ISSUER] = N_("Ask the CA that issued the card."),
	[ACTION_CARD_KIND] = N_("Use the kind of card that is asked for (primary or attached card, "
		   "and of the right CA). 'twcard status' shows which it is."),
	[ACTION_ATTACHED_OPEN] = N_("The attached card's area is open already, which is done once "
		   "only: go on with signing the authorization."),
	[ACTION_ATTACHED_FULL] = N_("Remove authorizations that are no longer needed, or ask the CA."),
	[ACTION_ATTACHED_NONE] = N_("Have the authorization written to the attached card first, and "
		   "see that the service chosen is the right one."),
	[ACTION_NEW_CERT_SOON] = N_("Wait a little, then download the certificate."),
	[ACTION_NEW_CERT] = N_("Apply for a new certificate."),
	[ACTION_SAME_COMPUTER] = N_("Use the computer and account where the certificate was applied "
		   "for. If that key is lost, have the certificate revoked and apply "
		   "anew."),
	[ACTION_READ_ONLY] = N_("The card or session is for reading only. What is on the card is "
		   "changed by its CA."),
	[ACTION_NEVER_CHANGE] = N_("Do not repeat the command on a real card: what changes a card is "
		   "for its issuer."),
	[ACTION_RESET] = N_("Try again: the program must connect, and log in, anew."),
	[ACTION_TOKEN_MODULE] = N_("See that the module is installed and has the right path in the "
		   "program; 'twcard doctor' looks into it."),
	[ACTION_UNKNOWN_CARD] = N_("See that it is one of the cards that are known ('twcard profile "
		   "list'), the right way round in the reader."),
	[ACTION_SIGNATURE] = N_("Data and signature do not belong together, or one was changed: "
		   "get both anew."),
	[ACTION_BANK] = N_("Take the card to the bank that issued it."),
};

const char *explain_action_text(enum explain_action action)
{
	return texts[action];
}
