{
'!langcode!': 'es',
'!langname!': 'Español',
}
